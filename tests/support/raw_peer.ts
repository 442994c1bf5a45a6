/** The other side of a wire as an enemy holds it: a TCP server that says whatever bytes it is told to. */
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "./test.ts";

/** One request as it came, and the way to answer it with any bytes. */
export interface RawRequest {
  /** The request line and headers, as they came. */
  readonly head: string;
  readonly body: Uint8Array;
  /** Counts the requests of this server from 1. */
  readonly n: number;
  readonly socket: Socket;
  /** Resolves when the bytes were handed to the network, or the peer has gone. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** What the peer sends after this request, all of it so far. */
  readonly later: Uint8Array;
}

export interface RawServer {
  readonly url: string;
  readonly requests: readonly RawRequest[];
}

/** Hands every request that is complete to `answer`; what that does with the connection is its own affair. */
export async function startRawServer(
  t: TestContext,
  answer: (request: RawRequest) => unknown,
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let got = Buffer.alloc(0);
    socket.on("data", (chunk: Uint8Array) => {
      got = Buffer.concat([got, chunk]);
      for (;;) {
        const end = got.indexOf("\r\n\r\n");
        if (end === -1 || !/^[A-Z]+ \S+ HTTP\/1/.test(got.toString("latin1", 0, 64))) return;
        const head = got.toString("latin1", 0, end);
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        if (got.length < end + 4 + length) return;
        const body = got.subarray(end + 4, end + 4 + length);
        got = got.subarray(end + 4 + length);
        const request: RawRequest = {
          head,
          body,
          n: requests.length + 1,
          socket,
          write: (bytes) =>
            new Promise((resolve) => {
              if (socket.destroyed) return resolve();
              socket.once("close", resolve);
              socket.write(bytes, () => {
                socket.off("close", resolve);
                resolve();
              });
            }),
          get later() {
            return got;
          },
        };
        requests.push(request);
        void answer(request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A response with a length. */
export function httpAnswer(status: string, body = "", headers = ""): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${
    Buffer.byteLength(body)
  }\r\n\r\n${body}`;
}

/** The server's side of the opening handshake (RFC 6455 section 4.2.2). */
export function handshakeAnswer({ head }: RawRequest): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** A frame as RFC 6455 section 5.2 draws it; `first` is its first byte: FIN, reserved bits, opcode. */
export function socketFrame(payload: string | Uint8Array, first = 0x81): Uint8Array {
  const bytes = Buffer.from(payload as string);
  const head = bytes.length < 126
    ? [first, bytes.length]
    : bytes.length < 65_536
    ? [first, 126, bytes.length >> 8, bytes.length & 255]
    : [first, 127, 0, 0, 0, 0, ...uint32(bytes.length)];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
