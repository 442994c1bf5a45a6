/** Requirement 15: the token is not carried to where a relay redirects to. */
import assert from "node:assert/strict";
import { startHttpServer } from "../support/http_server.ts";
import { settings, startConnector } from "../support/rig.ts";
import { test } from "../support/test.ts";

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  test(`requirement 15: [${protocol}] a redirect is not followed, and its place never asked`, async (t) => {
    const asked: string[] = [];
    const elsewhere = await startHttpServer(t, (request, response) => {
      asked.push(String(request.headers.authorization));
      response.end();
    });
    elsewhere.server.on("upgrade", (request, socket) => {
      asked.push(String(request.headers.authorization));
      socket.destroy();
    });
    const relay = await startHttpServer(t, (_request, response) => {
      response.writeHead(307, { Location: `${elsewhere.url}/login` }).end();
    });
    relay.server.on("upgrade", (_request, socket) => {
      socket.end(
        `HTTP/1.1 307 Moved\r\nLocation: ${elsewhere.url}/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    });
    const nowhere = new URL("http://127.0.0.1:1/");
    const run = startConnector(t, settings(relay.url, nowhere, protocol));
    await run.happened("stream.failed", 2);
    const failed = run.events.find((event) => event.type === "stream.failed");
    assert.match(failed?.message ?? "", /answered 307, a redirect to .*login.* not followed/);
    assert.deepEqual(asked, []);
  });
}
