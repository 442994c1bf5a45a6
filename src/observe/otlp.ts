/** The only module that loads OpenTelemetry, and only when it is asked for: see tracing.ts. */
import {
  diag,
  DiagLogLevel,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { Sample } from "../protocol/trace_context.ts";
import { waitOrGiveUp } from "../runtime/given_up.ts";
import { type Rejected, type SpanAccount, spanAccount } from "./span_account.ts";
import type { OtlpProtocol, Tracing, TracingOptions } from "./tracing.ts";

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** What is left may take so long to be sent at the end. */
const lastWordsMs = 2_000;
/** Some seconds of a busy relay; of the SDK itself 2,048, which three hundred webhooks fill. */
const defaultQueueSize = 16_384;
/** As of the SDK. */
const defaultBatchSize = 512;

/** What the SDK tells nobody but its own log, until it is taken. */
let warnings: string[] = [];
diag.setLogger({
  warn: (...words) => void warnings.push(words.join(" ")),
  ...{ error() {}, info() {}, debug() {}, verbose() {} },
}, DiagLogLevel.WARN);

/** Batches spans and sends them by OTLP/HTTP, as the standard variables say. */
export async function startOtlp(
  { service, version, env, onFailed, clock }: TracingOptions,
  protocol: OtlpProtocol,
): Promise<Tracing> {
  const maxQueueSize = numberFrom(env, "OTEL_BSP_MAX_QUEUE_SIZE") ?? defaultQueueSize;
  const maxExportBatchSize = Math.min(
    numberFrom(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE") ?? defaultBatchSize,
    maxQueueSize,
  );
  const scheduledDelayMillis = numberFrom(env, "OTEL_BSP_SCHEDULE_DELAY");
  // At the end all that waits is sent at once.
  const concurrencyLimit = 30 + Math.ceil(maxQueueSize / maxExportBatchSize);
  const account = spanAccount({ maxWaiting: maxQueueSize, onFailed, clock });
  const exporter = accounted(await exporterFor(protocol, concurrencyLimit), account);
  const problems = takeWarnings();
  const processor = new BatchSpanProcessor({
    ...{ exporter, maxQueueSize, maxExportBatchSize },
    ...(scheduledDelayMillis !== undefined && { scheduledDelayMillis }),
  });
  const resource = resourceFromAttributes({ "service.name": service, "service.version": version })
    .merge(detectResources({ detectors: [envDetector] }));
  const scope = { name: "hookferry", version };

  return {
    problems,
    sample: sampleFrom(env),
    record(span) {
      if (!account.takes()) return;
      processor.onEnd(
        {
          name: span.name,
          kind: kinds[span.kind],
          spanContext: () => contextOf(span.traceId, span.spanId),
          ...(span.parentSpanId !== undefined && {
            parentSpanContext: contextOf(span.traceId, span.parentSpanId),
          }),
          startTime: hrTime(span.startedAt),
          endTime: hrTime(span.endedAt),
          duration: hrTime(Math.max(0, span.endedAt - span.startedAt)),
          status: span.error === undefined
            ? { code: SpanStatusCode.UNSET }
            : { code: SpanStatusCode.ERROR, message: span.error },
          attributes: { ...span.attributes },
          links: [],
          events: [],
          ended: true,
          resource,
          instrumentationScope: scope,
          droppedAttributesCount: 0,
          droppedEventsCount: 0,
          droppedLinksCount: 0,
        } satisfies ReadableSpan,
      );
    },
    async close() {
      // What could not be sent has been told; by itself the exporter gives up after ten seconds.
      const ending = processor.shutdown().catch(() => {});
      await waitOrGiveUp(lastWordsMs, ending, clock);
      account.close();
    },
  };
}

async function exporterFor(
  protocol: OtlpProtocol,
  concurrencyLimit: number,
): Promise<SpanExporter> {
  const { OTLPTraceExporter } = protocol === "http/protobuf"
    ? await import("@opentelemetry/exporter-trace-otlp-proto")
    : await import("@opentelemetry/exporter-trace-otlp-http");
  return new OTLPTraceExporter({ concurrencyLimit });
}

function accounted(exporter: SpanExporter, account: SpanAccount): SpanExporter {
  return {
    export(spans, done) {
      account.sent(spans.length);
      exporter.export(spans, (result) => {
        account.answered(spans.length, result.error, rejectedIn());
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

/** Of the answer that the exporter has just read: it warns of that before it says that all went well. */
function rejectedIn(): Rejected | undefined {
  const message = takeWarnings().find((warning) => warning.includes('"rejectedSpans"'));
  if (message === undefined) return undefined;
  const spans = Number(/"rejectedSpans":"?(\d+)/.exec(message)?.[1] ?? 0);
  return spans > 0 ? { message, spans } : undefined;
}

function takeWarnings(): readonly string[] {
  const taken = warnings;
  warnings = [];
  return taken;
}

/** OTEL_TRACES_SAMPLER; what it does not know is its default, parentbased_always_on. */
function sampleFrom(env: TracingOptions["env"]): Sample {
  const given = env["OTEL_TRACES_SAMPLER"] ?? "parentbased_always_on";
  const argument = Number(env["OTEL_TRACES_SAMPLER_ARG"] || 1);
  const ratio = argument >= 0 && argument <= 1 ? argument : 1;
  const root: Sampler = /always_off$/.test(given)
    ? new AlwaysOffSampler()
    : /traceidratio$/.test(given)
    ? new TraceIdRatioBasedSampler(ratio)
    : new AlwaysOnSampler();
  const asksParent = !["always_on", "always_off", "traceidratio"].includes(given);
  return (traceId, parent) => {
    if (asksParent && parent) return parent.isSampled;
    const { decision } = root.shouldSample(ROOT_CONTEXT, traceId, "", SpanKind.INTERNAL, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
}

function contextOf(traceId: string, spanId: string) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}

function numberFrom(env: TracingOptions["env"], variable: string): number | undefined {
  const value = Number(env[variable] || NaN);
  return value > 0 ? value : undefined;
}
