import type { Clock } from "../async/clock.ts";
import type { Sample, Span } from "../protocol/trace_context.ts";

export interface TracingOptions {
  /** What it is called where OTEL_SERVICE_NAME says nothing. */
  readonly service: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** So many spans are lost. */
  readonly onFailed: (message: string, spans: number) => void;
  readonly clock: Clock;
}

/** How spans may be sent (OpenTelemetry Protocol Exporter, OTEL_EXPORTER_OTLP_PROTOCOL). */
export const otlpProtocols = ["http/json", "http/protobuf"] as const;
export type OtlpProtocol = typeof otlpProtocols[number];

/** What the variables ask for cannot be done. */
export class TracingError extends Error {
  override readonly name = "TracingError";
}

export interface Tracing {
  /** What the variables ask for and cannot be had; traces are sent all the same. */
  readonly problems: readonly string[];
  readonly sample: Sample;
  /** Never throws, never waits: what is too much is dropped, and told of. */
  readonly record: (span: Span) => void;
  /** Sends what is left, or gives it up. Never rejects. */
  close(): Promise<void>;
}

/**
 * Traces, when the standard variables ask for them: an OTLP endpoint is set, and neither OTEL_SDK_DISABLED=true nor
 * OTEL_TRACES_EXPORTER=none. Otherwise nothing of OpenTelemetry is loaded. Rejects with a `TracingError`.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing | undefined> {
  if (!isAskedFor(options.env)) return undefined;
  const protocol = protocolFrom(options.env);
  const { startOtlp }: typeof import("./otlp.ts") = await import("./otlp.ts" as string);
  return await startOtlp(options, protocol);
}

function protocolFrom(env: TracingOptions["env"]): OtlpProtocol {
  const name = env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"]
    ? "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    : "OTEL_EXPORTER_OTLP_PROTOCOL";
  const given = env[name] || otlpProtocols[0];
  const protocol = otlpProtocols.find((one) => one === given);
  if (protocol) return protocol;
  throw new TracingError(
    `${name} ${JSON.stringify(given)}: traces are sent by ${otlpProtocols.join(" or ")} only`,
  );
}

export function isAskedFor(env: TracingOptions["env"]): boolean {
  const endpoint = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ||
    env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  return Boolean(endpoint) && env["OTEL_SDK_DISABLED"]?.toLowerCase() !== "true" &&
    env["OTEL_TRACES_EXPORTER"] !== "none";
}
