/** A client that says whatever bytes it is told to, or says nothing. */
import { connect, type Socket } from "node:net";
import type { TestContext } from "./test.ts";

export interface RawClient extends Socket {
  /** What came back so far. */
  readonly answer: string;
  /** Resolves with all that came back when the other side has closed, or it matches. */
  answered(pattern?: RegExp): Promise<string>;
}

/** Connects, and sends the bytes. */
export function openRaw(
  t: TestContext,
  url: string,
  bytes: string | Uint8Array,
): Promise<RawClient> {
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port) });
  let answer = "";
  let look = () => {};
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    look();
  });
  socket.on("error", () => {});
  socket.on("close", () => look());
  t.defer(() => socket.destroy());
  const client = Object.defineProperty(socket, "answer", { get: () => answer }) as RawClient;
  client.answered = (pattern) =>
    new Promise((resolve) => {
      look = () => {
        if (socket.destroyed || pattern?.test(answer)) resolve(answer);
      };
      look();
    });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.write(bytes);
      resolve(client);
    });
  });
}

/** The head of a webhook whose body is so long. */
export function postHead(length: number): string {
  return `POST /webhook/hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`;
}
