import type { Envelope } from "./envelope.ts";

/**
 * In which order the messages of a channel may be handled.
 * `none`: in sequence, each as soon as there is room; `channel`: one at a time; `key`: one at a time of each
 * key, side by side across keys.
 */
export type Ordering =
  | { readonly kind: "none" | "channel" }
  | { readonly kind: "key"; readonly from: "webhook_id" }
  | { readonly kind: "key"; readonly from: "header"; readonly name: string }
  | { readonly kind: "key"; readonly from: "pointer"; readonly pointer: string };

/** What `parseOrdering` takes. */
export const orderingRule =
  "none, channel, key:webhook_id, key:header:NAME, or key:/a/b (a JSON pointer into the body)";

/** Undefined when `text` is none of `orderingRule`. */
export function parseOrdering(text: string): Ordering | undefined {
  if (text === "none" || text === "channel") return { kind: text };
  if (text === "key:webhook_id") return { kind: "key", from: "webhook_id" };
  const header = /^key:header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/.exec(text)?.[1];
  if (header) return { kind: "key", from: "header", name: header.toLowerCase() };
  // RFC 6901, section 3: "~" only as "~0" and "~1".
  const pointer = /^key:((?:\/(?:[^/~]|~[01])*)+)$/.exec(text)?.[1];
  return pointer === undefined ? undefined : { kind: "key", from: "pointer", pointer };
}

/** The key of a message; undefined when it has none, and with it no order. */
export function keyOf(
  ordering: Extract<Ordering, { kind: "key" }>,
  { webhookId, headers, body }: Pick<Envelope, "webhookId" | "headers" | "body">,
): string | undefined {
  switch (ordering.from) {
    case "webhook_id":
      return webhookId;
    case "header":
      return headers.find(([name]) => name.toLowerCase() === ordering.name)?.[1];
    case "pointer":
      return valueAt(ordering.pointer, body);
  }
}

/** RFC 6901, section 4; anything but a text as its JSON. */
function valueAt(pointer: string, body: Uint8Array): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[name];
  }
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // On Bun the stack ends at some ten thousand brackets.
  }
}
