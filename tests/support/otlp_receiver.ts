import type { TestContext } from "./test.ts";
import { startHttpServer } from "./http_server.ts";
import { type ProtobufFields, readProtobuf } from "./protobuf.ts";

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
 * A real OTLP/HTTP receiver: decodes what comes to `/v1/traces`, as JSON or protobuf. Every request is answered with
 * `status` and `answer` when `open` has come; with 0 it never is. Protobuf is answered with nothing.
 */
export async function startOtlpReceiver(
  t: TestContext,
  { status = 200, answer = {}, open = Promise.resolve() }: {
    readonly status?: number;
    readonly answer?: unknown;
    readonly open?: Promise<void>;
  } = {},
) {
  const spans: ReceivedSpan[] = [];
  const requests: { readonly path: string; readonly headers: NodeJS.Dict<string | string[]> }[] =
    [];
  const { url } = await startHttpServer(t, (request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      requests.push({ path: request.url ?? "", headers: request.headers });
      const body = Buffer.concat(chunks);
      const type = request.headers["content-type"] ?? "";
      const isJson = type === "application/json";
      spans.push(...decode(isJson ? JSON.parse(body.toString()) : requestOf(readProtobuf(body))));
      if (status === 0) return;
      await open;
      response.writeHead(status, { "Content-Type": type })
        .end(isJson ? JSON.stringify(answer) : "");
    });
  });
  return { url, spans, requests };
}

/** What JSON would have said; the numbers are those of opentelemetry/proto/trace/v1/trace.proto. */
function requestOf(request: ProtobufFields): OtlpRequest {
  return {
    resourceSpans: request.messages(1).map((ofResource) => ({
      resource: { attributes: ofResource.messages(1).flatMap((one) => attributesOf(one, 1)) },
      scopeSpans: ofResource.messages(2).map((ofScope) => ({
        spans: ofScope.messages(2).map((span) => {
          const [status] = span.messages(15);
          return {
            traceId: span.hex(1),
            spanId: span.hex(2),
            parentSpanId: span.hex(4),
            name: span.text(5),
            kind: Number(span.numbers(6)[0]),
            startTimeUnixNano: String(span.numbers(7)[0]),
            endTimeUnixNano: String(span.numbers(8)[0]),
            attributes: attributesOf(span, 9),
            status: { code: Number(status?.numbers(3)[0] ?? 0), message: status?.text(2) ?? "" },
          };
        }),
      })),
    })),
  };
}

function attributesOf(message: ProtobufFields, field: number): OtlpAttribute[] {
  return message.messages(field).map((attribute) => {
    const [value] = attribute.messages(2);
    const isText = value?.bytes(1).length === 1;
    return {
      key: attribute.text(1),
      value: isText ? { stringValue: value.text(1) } : { intValue: Number(value?.numbers(3)[0]) },
    };
  });
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
