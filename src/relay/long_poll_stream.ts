import { maxFrameBytes } from "../protocol/limits.ts";
import { encodeRelayFrame } from "../protocol/relay_codec.ts";
import { wireHeaders } from "../protocol/wire.ts";
import type { Channel } from "./channel.ts";
import { connectedFrame, type Hello, type RelayContext } from "./relay_env.ts";
import { webhookFrame } from "./webhook_frame.ts";

/** With so many bytes of bodies an answer is large enough. */
const maxAnswerBytes = 8 * 1024 * 1024;
/** What stands in an answer around its messages, bytes. */
const around = 64;

/**
 * One poll: waits up to `timeoutMs` for messages and answers with those that are ready, at most `maxMessages` and what
 * a connector reads of one answer, up to one that was delivered before; 204 when there is none. Their leases outlive the
 * response, so that they can be acknowledged. Undefined when the channel has all the connections it takes.
 */
export async function longPoll(
  request: Request,
  channel: Channel,
  hello: Hello,
  { timeoutMs, maxMessages }: { readonly timeoutMs: number; readonly maxMessages: number },
  relay: RelayContext,
): Promise<Response | undefined> {
  const { clock } = relay;
  const { connectionId, capabilities } = hello;
  const connectedAt = clock.now();
  const handed: { readonly id: string; readonly text: string }[] = [];
  let bytes = 0;
  let ready = () => {};
  const isReady = new Promise<void>((resolve) => ready = resolve);
  const isTaken = channel.subscribe({
    ...hello,
    protocol: "long_poll",
    connectedAt,
    heardAt: () => connectedAt,
    keepsLeases: true,
    hand(envelope) {
      const text = webhookFrame(envelope, channel, hello);
      if (text === undefined) return;
      handed.push({ id: envelope.id, text });
      bytes += envelope.body.byteLength;
      // What came to nothing before is the last of its answer: no other is lost with it again.
      const isAgain = (envelope.deliveryCount ?? 1) > 1;
      if (isAgain || handed.length === maxMessages || bytes >= maxAnswerBytes) {
        channel.drain(connectionId);
      }
      // The others that are ready come in the same turn.
      if (handed.length === 1) setImmediate(ready);
    },
    disconnect: ready,
  });
  if (!isTaken) return undefined;
  const cancelTimeout = clock.after(timeoutMs, ready);
  const { signal } = request;
  signal.addEventListener("abort", ready, { once: true });
  await isReady;
  cancelTimeout();
  signal.removeEventListener("abort", ready);
  if (signal.aborted) channel.giveBack(connectionId, handed.map(({ id }) => id));
  channel.unsubscribe(connectionId);

  const headers = { [wireHeaders.relayCapabilities]: capabilities.join(", ") };
  if (handed.length === 0) {
    const told = {
      ...headers,
      [wireHeaders.connectionId]: connectionId,
      [wireHeaders.ackTimeoutSeconds]: String(channel.settings.ackTimeoutMs / 1000),
    };
    return new Response(null, { status: 204, headers: told });
  }
  const timestamp = new Date(clock.now()).toISOString();
  const connected = encodeRelayFrame(connectedFrame(hello, channel, clock), timestamp);
  const messages: string[] = [];
  let room = maxFrameBytes - Buffer.byteLength(connected) - around;
  for (const { text } of handed) {
    room -= Buffer.byteLength(text) + 1;
    if (messages.length > 0 && room < 0) break;
    messages.push(text);
  }
  const left = handed.slice(messages.length);
  if (left.length > 0) channel.giveBack(connectionId, left.map(({ id }) => id));
  return new Response(`${connected.slice(0, -1)},"messages":[${messages.join(",")}]}`, {
    headers: { ...headers, "Content-Type": "application/json" },
  });
}
