/** W3C Trace Context: which trace a message belongs to, and our own spans in it. */
import { randomBytes } from "node:crypto";
import type { Envelope } from "./envelope.ts";

type Headers = Envelope["headers"];

/** Section 3.2; ids of zeros only are not valid. */
const shape =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Whether the spans of a trace are to be recorded; without a parent the trace begins here. */
export type Sample = (traceId: string, parent: TraceParent | undefined) => boolean;

/** A span of our own, for the event that tells of it; empty where the trace is not recorded. */
export interface SpanIds {
  readonly spanId?: string;
  /** Undefined when the trace begins with this span. */
  readonly parentSpanId?: string;
}

/** Something that took time, for a trace. Times are milliseconds since the epoch. */
export interface Span {
  readonly name: string;
  readonly kind: "server" | "client" | "consumer" | "internal";
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Why it failed; undefined when it did not. */
  readonly error?: string | undefined;
}

/** The trace a message belongs to: 32 hexadecimal digits; undefined when it carries no valid `traceparent`. */
export function traceIdOf(headers: Headers): string | undefined {
  return parentIn(headers)?.traceId;
}

const spanIdLength = 16;
/** Random digits for the next ids: a hundred cost hardly more than one. */
let digits = "";
let used = 0;

export function newSpanId(): string {
  if (used === digits.length) {
    digits = randomBytes(100 * spanIdLength / 2).toString("hex");
    used = 0;
  }
  return digits.slice(used, used += spanIdLength);
}

/**
 * Begins a span of ours: it is the parent of what comes after, so it stands in `traceparent`. A trace that is not
 * recorded keeps the parent it has. Without `sample`, tracing is off and nothing is touched.
 */
export function withSpan(
  headers: Headers,
  sample: Sample | undefined,
): { readonly headers: Headers; readonly span: SpanIds } {
  if (!sample) return { headers, span: {} };
  const parent = parentIn(headers);
  const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
  const isSampled = sample(traceId, parent);
  if (parent && !isSampled) return { headers, span: {} };
  const spanId = newSpanId();
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  // Without its parent a tracestate means nothing (section 3.3).
  const kept = headers.filter(([name]) =>
    !isNamed(name, "traceparent") && (parent !== undefined || !isNamed(name, "tracestate"))
  );
  return {
    headers: [...kept, ["traceparent", traceparent]],
    span: isSampled ? { spanId, ...(parent && { parentSpanId: parent.spanId }) } : {},
  };
}

function parentIn(headers: Headers): TraceParent | undefined {
  const [first, ...more] = headers.filter(([name]) => isNamed(name, "traceparent"));
  const [, traceId, spanId, flags] = shape.exec(first?.[1] ?? "") ?? [];
  if (more.length > 0 || traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, isSampled: (parseInt(flags ?? "0", 16) & 1) === 1 };
}

/** Most names need not be made small to be told from another. */
function isNamed(name: string, small: string): boolean {
  return name.length === small.length && name.toLowerCase() === small;
}
