import { randomBytes } from "node:crypto";
import type { Envelope } from "./envelope.ts";

type Headers = Envelope["headers"];

/** W3C Trace Context, section 3.2; ids of zeros only are not valid. */
const shape = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** The trace a message belongs to: 32 hexadecimal digits; undefined when it carries no valid `traceparent`. */
export function traceIdOf(headers: Headers): string | undefined {
  const [first, ...more] = headers.filter(([name]) => name.toLowerCase() === "traceparent");
  return more.length > 0 ? undefined : shape.exec(first?.[1] ?? "")?.[1];
}

/** The headers with a `traceparent`: the sender's own where it is valid, else one that begins a trace here. */
export function withTrace(headers: Headers): Headers {
  if (traceIdOf(headers) !== undefined) return headers;
  const parent = `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`;
  // Without its parent a tracestate means nothing (section 3.3).
  const others = headers.filter(([name]) => !/^trace(parent|state)$/i.test(name));
  return [...others, ["traceparent", parent]];
}
