import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "./test.ts";

const page = "<!doctype html><title>We are back soon</title>";

/** Passes requests on, but for those of which `isForeign` says otherwise: they get the page, with this status. */
export async function startFront(
  t: TestContext,
  relayUrl: string,
  isForeign: (path: string) => boolean,
  status = 200,
): Promise<string> {
  const { hostname, port } = new URL(relayUrl);
  const server = http.createServer((request, response) => {
    const { method, headers, url: path = "" } = request;
    if (isForeign(path)) {
      request.resume();
      return void response.writeHead(status, { "Content-Type": "text/html" }).end(page);
    }
    const inner = http.request({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    inner.on("error", () => response.destroy());
    response.on("close", () => inner.destroy());
    request.pipe(inner);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
