import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import { openApiDocument } from "../../src/relay/openapi.ts";
import { operations, problemSchema } from "../../src/relay/operations.ts";
import { routes } from "../../src/relay/routes.ts";
import { hashOf } from "../../src/relay/tokens.ts";
import { openSocket } from "../support/old_client.ts";
import { publish, startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { turnsUntil } from "../support/turns_until.ts";

const admin = "/admin/webhook-connect";

test("the OpenAPI document names every route there is, and no other", () => {
  // Nothing is asked of them: only the table of routes is looked at.
  const registry = { all: [] };
  const app = routes({ registry, clock: systemClock } as never, {} as never, {} as never);
  const isGuard = ({ path, method }: { path: string; method: string }) =>
    method === "ALL" && path.startsWith(admin);
  const served = app.routes.filter((route) => !isGuard(route))
    .map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(Object.keys(operations).toSorted(), [...new Set(served)].toSorted());
});

test("every operation answers as the OpenAPI document says", async (t) => {
  const build = { version: "9", runtime: "" };
  const path = "readable-by-whoever-knows";
  const channelOptions = { smeePathHash: hashOf(path) };
  const relay = await startDevRelay(t, channelOptions, { adminToken: "adm1n", build });
  const driven = new Set<string>();
  const names = { channel: "dev", id: "hook", connection: "", path };
  const call = async (
    route: string,
    { query = "", body, headers = {} }: {
      query?: string;
      body?: unknown;
      headers?: Record<string, string>;
    } = {},
  ) => {
    const operation = operations[route];
    assert.ok(operation, route);
    const [method = "", template = ""] = route.split(" ");
    const path = template.replace(/:(\w+)/g, (_, name) => names[name as "id"]).replace("*", "a/b");
    const ask = (token: string) =>
      fetch(`${relay.url}${path}${query}`, {
        method: method === "ALL" ? "PUT" : method,
        headers: { Authorization: `Bearer ${token}`, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    if (operation.token) {
      const refused = await ask("wrong");
      assert.equal(refused.status, 401, route);
      problemSchema.parse(await refused.json());
    }
    const response = await ask(operation.token === "admin" ? "adm1n" : "s3cret");
    assert.equal(response.status, operation.status ?? 200, route);
    driven.add(route);
    if (!operation.answer) return await response.body?.cancel();
    const answer = await response.json();
    operation.answer.parse(answer);
    return answer;
  };

  const document = JSON.parse(JSON.stringify(openApiDocument("9")));
  assert.deepEqual(await call("GET /openapi.json"), document);
  for (const path of ["/livez", "/healthz", "/readyz", "/metrics", `${admin}/health`]) {
    await call(`GET ${path}`);
  }
  const { frame, say } = await openSocket(t, relay);
  names.connection = String((await frame(0))["connection_id"]);
  driven.add("GET /connect/stream/:channel");
  const headers = { "X-Connection-ID": names.connection };
  const first = await call("ALL /webhook/:id", { body: { a: 1 } });
  await frame(1);
  await call("POST /connect/ack", { query: `?message_id=${first.message_id}`, headers });
  const second = await call("ALL /webhook/:id/*", { body: { a: 2 } });
  await frame(2);
  const acks = { acks: [second.message_id], nacks: [{ message_id: "nope" }] };
  await call("POST /connect/acks", { body: acks, headers });
  await call("POST /connect/extend", { body: { message_ids: ["nope"] }, headers });
  const third = await publish(relay, "3");
  await frame(3);
  say({ type: "nack", message_id: third, retry: false, reason: "no" });
  const channel = relay.registry.named("dev")?.channel;
  await turnsUntil(() => channel?.stats.deadLettered === 1);
  await call("POST /connect/drain", { headers });
  const { messages } = await call(`GET ${admin}/channels/:channel/dead-letters`);
  assert.deepEqual(messages[0].history.map(({ reason }: { reason: string }) => reason), ["no"]);
  await call(`GET ${admin}/overview`);
  await call(`GET ${admin}/channels`);
  for (const path of ["", "/stats", "/webhook-stats"]) {
    await call(`GET ${admin}/channels/:channel${path}`);
  }
  await call("GET /connect/status/:channel");
  const all = { message_ids: "all" };
  await call(`POST ${admin}/channels/:channel/dead-letters/replay`, { body: all });
  await call(`DELETE ${admin}/channels/:channel/dead-letters`);
  const made = { channel: "new", webhook_ids: ["other"] };
  await call(`POST ${admin}/channels`, { body: made });
  await call(`DELETE ${admin}/channels/:channel/connections/:connection`);
  const events = { headers: { Accept: "text/event-stream" } };
  await call("GET /smee/:path", events);
  await call("GET /smee/events/:path", events);
  await call("GET /connect/stream/:channel/sse");
  await publish(relay, "4");
  await call("GET /connect/stream/:channel/poll", { query: "?timeout=1" });
  const rotation = { grace_period_seconds: 0 };
  await call(`POST ${admin}/channels/:channel/rotate-token`, { body: rotation });
  assert.deepEqual(Object.keys(operations).filter((route) => !driven.has(route)), []);
});
