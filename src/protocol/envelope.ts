/** One webhook, as received: plain data. */
export interface Envelope {
  /** The relay's message id: stable across redeliveries, the key that duplicates are known by. */
  readonly id: string;
  readonly webhookId: string;
  /** Counts up within a channel; restarts with an old relay. Not an identity. */
  readonly sequence: number;
  /** When the relay received it, ISO 8601. */
  readonly receivedAt: string;
  readonly method: string;
  /** What followed the webhook id in the request, with the raw query: "", "/a/b" or "/a?x=1" or "?x=1". */
  readonly path: string;
  /** As the relay gives them: in the order received, repeated names kept, where its server hands them out so (RELAY.md). */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The exact bytes where the relay sends them, else the compact JSON of the payload it parsed. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** How often the relay has handed this message out, this time included; undefined when it does not tell. */
  readonly deliveryCount?: number;
}

/** What is counted for a message beside its content: ids, bookkeeping. */
const overheadBytes = 1_024;

/** What a message takes, bytes, about. Headers and path may be most of it. */
export function sizeOf(
  { body, path, headers }: Pick<Envelope, "body" | "path" | "headers">,
): number {
  let bytes = overheadBytes + body.byteLength + path.length;
  for (const [name, value] of headers) bytes += name.length + value.length;
  return bytes;
}

/** Time since the relay received it, milliseconds; 0 where it does not tell. */
export function lagMs(envelope: Envelope, nowMs: number): number {
  const receivedAt = Date.parse(envelope.receivedAt);
  return Number.isNaN(receivedAt) ? 0 : Math.max(0, nowMs - receivedAt);
}
