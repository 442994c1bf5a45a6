import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "./test.ts";

export interface Proxy {
  readonly url: string;
  /** Passes nothing more over the connections that are open, and leaves them open; new ones are well. */
  stall(): void;
  /** Keeps what comes, for both sides, until the result is called: then it passes all of it on. */
  hold(): () => void;
  /** From now on every new connection is cut at once. */
  refuse(): void;
  /** Cuts every connection through it. */
  cut(): void;
}

/**
 * Passes TCP bytes on, in pieces of one to `maxPieceBytes` where that is given, so that frames, events and
 * characters arrive cut anywhere.
 */
export async function startProxy(
  t: TestContext,
  to: string,
  maxPieceBytes = Infinity,
): Promise<Proxy> {
  const { port, hostname: host } = new URL(to);
  const sockets = new Set<Socket>();
  let isRefusing = false;
  let stalls = 0;
  let held: Promise<void> | undefined;
  const server = createServer({ noDelay: true }, (outer) => {
    if (isRefusing) return void outer.destroy();
    const stallsBefore = stalls;
    const inner = connect({ port: Number(port), host, noDelay: true });
    for (const [from, into] of [[inner, outer], [outer, inner]] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        into.destroy();
      });
      const isStalled = () => stalls !== stallsBefore;
      void pass(from, into, { maxPieceBytes, isStalled, released: () => held });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.defer(() => {
    cut();
    return new Promise((resolve) => server.close(resolve));
  });
  const refuse = () => void (isRefusing = true);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    refuse,
    stall: () => void stalls++,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
  };
}

interface Line {
  readonly maxPieceBytes: number;
  readonly isStalled: () => boolean;
  readonly released: () => Promise<void> | undefined;
}

async function pass(
  from: Socket,
  into: Socket,
  { maxPieceBytes, isStalled, released }: Line,
): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of from as AsyncIterable<Uint8Array>) {
      await released();
      if (isStalled()) continue; // what was on its way is lost, as on a line that is dead
      for (let at = 0; at < chunk.length;) {
        size = maxPieceBytes === Infinity ? chunk.length : size % maxPieceBytes + 1;
        if (into.destroyed) return;
        // Each piece in a turn of its own, or the system would put them together again.
        const piece = chunk.subarray(at, at + size);
        await new Promise<void>((resolve) => into.write(piece, () => resolve()));
        at += size;
      }
    }
  } catch {
    // Cut by one side: the other is cut by the close handler.
  }
}
