import type { TestContext } from "./test.ts";
import { startHttpServer } from "./http_server.ts";

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: string | undefined;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/**
 * A real OTLP/HTTP receiver: decodes the JSON of `/v1/traces`, and keeps what is protobuf as it is. Every request is
 * answered with `status`; with 0 it never is.
 */
export async function startOtlpReceiver(t: TestContext, status = 200) {
  const spans: ReceivedSpan[] = [];
  const requests: { readonly path: string; readonly headers: NodeJS.Dict<string | string[]> }[] =
    [];
  const protobuf: Uint8Array[] = [];
  const { url } = await startHttpServer(t, (request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({ path: request.url ?? "", headers: request.headers });
      const body = Buffer.concat(chunks);
      if (request.headers["content-type"] === "application/x-protobuf") protobuf.push(body);
      else spans.push(...decode(JSON.parse(body.toString())));
      if (status === 0) return;
      response.writeHead(status, { "Content-Type": "application/json" }).end("{}");
    });
  });
  return { url, spans, requests, protobuf };
}

function decode({ resourceSpans }: OtlpRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service: String(valuesOf(resource.attributes)["service.name"]),
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || undefined,
        startedAt: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        endedAt: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        attributes: valuesOf(span.attributes),
        error: span.status.code === 2 ? span.status.message : undefined,
      }))
    )
  );
}

function valuesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}
