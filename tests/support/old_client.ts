/** A WebSocket connector of the old kind, told by hand what to say. */
import { WebSocket } from "ws";
import type { Relay } from "../../src/relay/relay.ts";
import type { TestContext } from "./test.ts";

const bearer = { Authorization: "Bearer s3cret" };
export type Json = Record<string, unknown>;

/** A socket and the frames it got. */
export function openSocket(t: TestContext, relay: Relay, headers: Record<string, string> = bearer) {
  const socket = new WebSocket(`${relay.url.replace("http", "ws")}/connect/stream/dev`, {
    headers,
  });
  const frames: Json[] = [];
  const waiting: (() => void)[] = [];
  socket.on("message", (data) => {
    frames.push(JSON.parse(String(data)));
    for (const resolve of waiting.splice(0)) resolve();
  });
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  t.defer(async () => {
    socket.terminate();
    await closed;
  });
  return {
    socket,
    closed,
    say: (value: unknown) => socket.send(JSON.stringify(value)),
    async frame(n: number): Promise<Json> {
      for (;;) {
        const found = frames[n];
        if (found) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}
