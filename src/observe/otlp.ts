/** The only module that loads OpenTelemetry, and only when it is asked for: see tracing.ts. */
import {
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
import type { OtlpProtocol, Tracing, TracingOptions } from "./tracing.ts";

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** What is left may take so long to be sent at the end. */
const lastWordsMs = 2_000;

/** Batches spans and sends them by OTLP/HTTP, as the standard variables say. */
export async function startOtlp(
  { service, version, env, onFailed, clock }: TracingOptions,
  protocol: OtlpProtocol,
): Promise<Tracing> {
  const processor = new BatchSpanProcessor({
    exporter: tellingFailures(await exporterFor(protocol), onFailed),
    ...numberFrom(env, "OTEL_BSP_SCHEDULE_DELAY", "scheduledDelayMillis"),
    ...numberFrom(env, "OTEL_BSP_MAX_QUEUE_SIZE", "maxQueueSize"),
    ...numberFrom(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "maxExportBatchSize"),
  });
  const resource = resourceFromAttributes({ "service.name": service, "service.version": version })
    .merge(detectResources({ detectors: [envDetector] }));
  const scope = { name: "hookferry", version };

  return {
    sample: sampleFrom(env),
    record: (span) =>
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
      ),
    async close() {
      // What could not be sent has been told; by itself the exporter gives up after ten seconds.
      const ending = processor.shutdown().catch(() => {});
      await waitOrGiveUp(lastWordsMs, ending, clock);
    },
  };
}

async function exporterFor(protocol: OtlpProtocol): Promise<SpanExporter> {
  const { OTLPTraceExporter } = protocol === "http/protobuf"
    ? await import("@opentelemetry/exporter-trace-otlp-proto")
    : await import("@opentelemetry/exporter-trace-otlp-http");
  return new OTLPTraceExporter();
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

/** Spans that could not be sent are told of, not lost in silence. */
function tellingFailures(
  exporter: SpanExporter,
  onFailed: TracingOptions["onFailed"],
): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error) onFailed(result.error.message, spans.length);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

function contextOf(traceId: string, spanId: string) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}

function numberFrom<Name extends string>(
  env: TracingOptions["env"],
  variable: string,
  name: Name,
): { [Key in Name]?: number } {
  const value = Number(env[variable] || NaN);
  const found: { [Key in Name]?: number } = {};
  if (value > 0) found[name] = value;
  return found;
}
