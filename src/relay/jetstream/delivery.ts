/** What the server says of a message that it gives out, and what it is told of it. */
import type { NatsServer } from "./connection.ts";

/** What the reply subject of a pulled message tells (NATS ADR-15: newer servers name domain and account first). */
export function deliveryOf(reply: string) {
  const tokens = reply.split(".");
  const at = tokens.length > 9 ? 6 : 4;
  return { deliveryCount: Number(tokens[at]), streamSequence: Number(tokens[at + 1]) };
}

/** It is settled, and the stream lets it go. */
export async function acknowledge(server: NatsServer, reply: string): Promise<void> {
  await server.request(reply, "+ACK");
}

/** Its ack wait begins anew. */
export async function extend(server: NatsServer, reply: string): Promise<void> {
  await server.request(reply, "+WPI");
}

/** It is given out again after so long. */
export async function giveBack(server: NatsServer, reply: string, delayMs: number): Promise<void> {
  const delay = Math.round(delayMs * 1e6); // whole nanoseconds, or none is read
  await server.request(reply, delay > 0 ? `-NAK {"delay": ${delay}}` : "-NAK");
}
