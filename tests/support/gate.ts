import http from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestContext } from "./test.ts";

/**
 * A proxy in front of a relay that lets some kinds of stream through and answers others with 501; acks that are
 * blocked with 500. What is blocked may change.
 */
export async function startGate(t: TestContext, relayUrl: string, blocked: Set<string>) {
  const { port, hostname } = new URL(relayUrl);
  const sockets = new Set<Socket>();
  const server = http.createServer((request, response) => {
    if (blocked.has("sse") && request.url?.includes("/sse")) {
      return void response.writeHead(501).end("no streams here");
    }
    if (blocked.has("ack") && request.url?.startsWith("/connect/ack")) {
      return void response.writeHead(500).end("no acks here");
    }
    const { method, headers, url: path } = request;
    const inner = http.request({ port, hostname, method, headers, path });
    inner.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    inner.on("error", () => response.destroy());
    response.on("close", () => inner.destroy());
    request.pipe(inner);
  });
  server.on("upgrade", (request, socket: Socket) => {
    if (blocked.has("websocket")) {
      return void socket.end("HTTP/1.1 501 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    const inner = connect(Number(port), hostname);
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    }
    inner.write(`${lines.join("\r\n")}\r\n\r\n`);
    for (const [from, into] of [[inner, socket], [socket, inner]] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => into.destroy());
      from.pipe(into);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
