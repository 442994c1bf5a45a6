/** Requirement 15: the token is not carried to where a relay redirects to. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { settings, startConnector } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

async function startServer(t: TestContext, listener: http.RequestListener) {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  for (const verify of [true, false]) {
    test(`requirement 15: [${protocol}, verify_ssl ${verify}] a redirect is not followed, and its place never asked`, async (t) => {
      const asked: string[] = [];
      const elsewhere = await startServer(t, (request, response) => {
        asked.push(String(request.headers.authorization));
        response.end();
      });
      elsewhere.server.on("upgrade", (request, socket) => {
        asked.push(String(request.headers.authorization));
        socket.destroy();
      });
      const relay = await startServer(t, (_request, response) => {
        response.writeHead(307, { Location: `${elsewhere.url}/login` }).end();
      });
      relay.server.on("upgrade", (_request, socket) => {
        socket.end(
          `HTTP/1.1 307 Moved\r\nLocation: ${elsewhere.url}/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
      });
      const nowhere = new URL("http://127.0.0.1:1/");
      const run = startConnector(t, settings(relay.url, nowhere, protocol, { verify_ssl: verify }));
      await run.happened("stream.failed", 2);
      const failed = run.events.find((event) => event.type === "stream.failed");
      assert.match(failed?.message ?? "", /answered 307, a redirect to .*login.* not followed/);
      assert.deepEqual(asked, []);
    });
  }
}
