/** The URL of a smee stream is its only secret: nothing that is told shows its path, whatever the server says. */
import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { settingsFor, startConnector, startTarget } from "../support/rig.ts";
import { smeePath, startSmeeServer } from "../support/smee_server.ts";
import { test } from "../support/test.ts";

const smeeSettings = (url: string, target: URL, more: Record<string, unknown> = {}) =>
  settingsFor({ source: "smee", cloud_url: url }, target, more);

test("no token is sent, and nothing that is told shows the channel's URL", async (t) => {
  const server = await startSmeeServer(t, "gosmee");
  const target = await startTarget(t);
  const run = startConnector(t, smeeSettings(server.url, target.url, { token: "s3cret" }));
  await run.happened("stream.connected");
  server.refuseWith(403);
  server.cut();
  await run.happened("stream.failed", 2);
  server.refuseWith(500);
  await run.happened("stream.failed", 4);
  assert.ok(server.requests.every(({ authorization }) => authorization === undefined));
  assert.doesNotMatch(JSON.stringify(run.events), new RegExp(smeePath));
  const failed = run.events.filter((event) => event.type === "stream.failed");
  assert.match(failed.map(({ message }) => message).join("\n"), /answered 403 .*; check cloud_url/);
});

test("nor does it where the runtime's own error names it", async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write("no HTTP at all\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const target = await startTarget(t);
  const url = `http://127.0.0.1:${port}/${smeePath}`;
  const run = startConnector(t, smeeSettings(url, target.url));
  await run.happened("stream.failed");
  assert.doesNotMatch(JSON.stringify(run.events), new RegExp(smeePath));
});

/** What a server answers that repeats what it was asked for, and what is told of it. */
const echoes: Record<
  string,
  [status: number, headers: OutgoingHttpHeaders, body: string, told: RegExp]
> = {
  "a redirect to another scheme": [
    308,
    { location: `https://smee.example/${smeePath}` },
    "",
    /a redirect to "https:\/\/smee\.example\/\*\*\*"/,
  ],
  "a redirect without a host": [
    308,
    { location: `/events/${smeePath}/` },
    "",
    /a redirect to "http:\/\/127\.0\.0\.1:\d+\/\*\*\*"/,
  ],
  "a redirect that is no URL": [
    308,
    { location: `http://${smeePath}:x` },
    "",
    /a redirect to "\*\*\*"/,
  ],
  "a page": [404, {}, `Cannot GET /${smeePath}`, /404 \("Cannot GET \/\*\*\*"\)/],
  "a page that is cut": [500, {}, `${"x".repeat(70)} /${smeePath}`, /xx \/\*\*\*"\)/],
  "an error in JSON": [
    403,
    {},
    JSON.stringify({ detail: `${"x".repeat(190)} /${smeePath}` }),
    /xx \/\*\*\*"\)/,
  ],
  "a type": [200, { "content-type": `text/x; of=${smeePath}` }, "", /"text\/x; of=\*\*\*"/],
};

for (const [what, [status, headers, body, told]] of Object.entries(echoes)) {
  test(`nor does it where the server repeats it: ${what}`, async (t) => {
    const server = await startSmeeServer(t, "smee.io");
    const target = await startTarget(t);
    server.refuseWith(status, headers, body);
    const run = startConnector(t, smeeSettings(server.url, target.url));
    await run.happened("stream.failed");
    const failed = run.events.find((event) => event.type === "stream.failed");
    assert.match(failed?.message ?? "", told);
    // Nor a part of it.
    assert.doesNotMatch(JSON.stringify(run.events), new RegExp(smeePath.slice(0, 6)));
  });
}
