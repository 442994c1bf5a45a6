/** Traces over a real relay and a real connector, received by a real OTLP receiver. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ReceivedSpan, startOtlpReceiver } from "../support/otlp_receiver.ts";
import { startProgram } from "../support/program.ts";
import { startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const sender = "00f067aa0ba902b7";

/** Relay and connector as processes; the target fails first. `stop` ends both, the spans are sent then. */
async function startBoth(t: TestContext, env: Record<string, string>) {
  const folder = t.folder();
  const webhooks = join(folder, "webhooks.json");
  writeFileSync(
    webhooks,
    JSON.stringify({
      hook: { module: "webhook_connect", channel: "dev", channel_token: "s3cret" },
    }),
  );
  const target = await startTarget(t, (n) => n === 1 ? 503 : 200);
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0", "--webhooks", webhooks],
    ...["--data", join(folder, "relay"), "--log-level", "debug", "--log-format", "json"],
  ], env);
  const url = (await relay.line(/^listening/)).split(/\s+/)[1] ?? "";
  const file = join(folder, "connector.json");
  writeFileSync(
    file,
    JSON.stringify({
      cloud_url: url,
      channel: "dev",
      token: "s3cret",
      journal: "memory",
      status_listen: "off",
      log_level: "debug",
      log_format: "json",
      default_target: { url: target.url.href, retry_delay_seconds: 0.01 },
    }),
    { mode: 0o600 },
  );
  const connector = startProgram(t, ["connect", "--config", file], env);
  await connector.line(/stream\.connected/);
  return {
    target,
    relay,
    connector,
    post: (headers: Record<string, string> = {}) =>
      fetch(`${url}/webhook/hook`, { method: "POST", body: "{}", headers })
        .then((response) => response.text()),
    async stop() {
      for (const program of [connector, relay]) {
        program.terminate();
        assert.equal(await program.ended, 0);
      }
    },
  };
}

/** Every span by its way from the root, whose parent is `sender`. */
function treeOf(spans: readonly ReceivedSpan[], sender?: string): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  assert.equal(byId.size, spans.length, "no id twice");
  const path = (span: ReceivedSpan): string => {
    const own = `${span.service.replace("hookferry-", "")} ${span.name}`;
    if (span.parentSpanId === sender) return own;
    const parent = byId.get(span.parentSpanId ?? "");
    return parent ? `${path(parent)} > ${own}` : `lost: ${own}`;
  };
  return spans.map(path).sort();
}

for (const protocol of ["http/json", "http/protobuf"]) {
  test(`${protocol}: a webhook is one tree of spans over relay and connector, which goes on at the target`, async (t) => {
    const collector = await startOtlpReceiver(t);
    const { target, connector, post, stop } = await startBoth(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=blue",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
    });
    await post({ traceparent: `00-${trace}-${sender}-01`, tracestate: "a=1" });
    await connector.line(/settlement\.confirmed/);
    await stop();

    const { spans } = collector;
    assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [trace]);
    assert.deepEqual(treeOf(spans, sender), [
      "relay ingest",
      "relay ingest > connector deliver",
      "relay ingest > connector deliver > connector ack",
      "relay ingest > connector deliver > connector attempt 1",
      "relay ingest > connector deliver > connector attempt 2",
      "relay ingest > connector deliver > connector queue",
      "relay ingest > connector stream",
      "relay ingest > relay store",
    ]);
    for (const { name, startedAt, endedAt } of spans) assert.ok(startedAt <= endedAt, name);

    const attempts = ["attempt 1", "attempt 2"].map((name) =>
      spans.find((span) => span.name === name)
    );
    assert.deepEqual(
      target.got.map(({ headers }) => headers["traceparent"]),
      attempts.map((attempt) => `00-${trace}-${attempt?.spanId}-01`),
      "the target's spans are children of the attempt",
    );
    assert.deepEqual(target.got.map(({ headers }) => headers["tracestate"]), ["a=1", "a=1"]);
    assert.equal(attempts[0]?.attributes["http.response.status_code"], 503);
    assert.match(attempts[0]?.error ?? "", /503/);
    assert.equal(attempts[1]?.error, undefined);
    for (const { path, headers } of collector.requests) {
      assert.equal(path, "/v1/traces");
      assert.equal(headers["x-tenant"], "blue");
      assert.equal(
        headers["content-type"],
        `application/${protocol === "http/json" ? "json" : "x-protobuf"}`,
      );
    }
  });
}

test("dev, in one process, sends the same tree, of both ends", async (t) => {
  const collector = await startOtlpReceiver(t);
  const dev = startProgram(t, ["dev", "--once"], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  assert.equal(await dev.ended, 0, dev.stderr.join("\n"));
  assert.deepEqual(treeOf(collector.spans), [
    "relay ingest",
    "relay ingest > connector deliver",
    "relay ingest > connector deliver > connector ack",
    "relay ingest > connector deliver > connector attempt 1",
    "relay ingest > connector deliver > connector queue",
    "relay ingest > connector stream",
    "relay ingest > relay store",
  ]);
});

test("dev tells of spans that it cannot send, and ends as it would without", async (t) => {
  const collector = await startOtlpReceiver(t, { status: 400 });
  const dev = startProgram(t, ["dev", "--once"], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/nonexistent/ca.pem",
  });
  assert.equal(await dev.ended, 0);
  assert.deepEqual(dev.stderr.toSorted(), [
    "hookferry dev: traces: Bad Request (2 spans are lost)",
    "hookferry dev: traces: Bad Request (5 spans are lost)",
    "hookferry dev: traces: Failed to read root certificate file",
  ]);
});

test("a trace that its sender does not record is left alone", async (t) => {
  const collector = await startOtlpReceiver(t);
  const { target, connector, post, stop } = await startBoth(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  const parent = `00-${trace}-${sender}-00`;
  await post({ traceparent: parent });
  await connector.line(/settlement\.confirmed/);
  await stop();
  assert.deepEqual(target.got.map(({ headers }) => headers["traceparent"]), [parent, parent]);
  assert.deepEqual(collector.spans, []);
});

test("a webhook without a trace begins one here", async (t) => {
  const collector = await startOtlpReceiver(t);
  const { connector, post, stop } = await startBoth(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
    OTEL_SERVICE_NAME: "webhooks",
  });
  await post();
  await connector.line(/settlement\.confirmed/);
  await stop();
  const roots = collector.spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  assert.deepEqual(roots.map(({ name, service }) => [name, service]), [["ingest", "webhooks"]]);
  assert.equal(new Set(collector.spans.map(({ traceId }) => traceId)).size, 1);
  assert.equal(collector.spans.length, 8);
});

test("a collector that refuses the spans is told of, and stops no webhook", async (t) => {
  const collector = await startOtlpReceiver(t, { status: 400 });
  const { connector, relay, post, stop } = await startBoth(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "10",
  });
  await post();
  await connector.line(/settlement\.confirmed/);
  const failed = JSON.parse(await connector.line(/"trace\.export_failed"/));
  assert.equal(failed.level, "warning");
  assert.ok(failed.spans > 0);
  await relay.line(/relay\.trace_export_failed/);
  await stop();
});

test("gRPC, which is not spoken, is refused at the start", async (t) => {
  for (
    const args of [["relay"], ["dev"], [
      "connect",
      "--cloud-url",
      "http://127.0.0.1:1",
      "--to",
      "1",
    ]]
  ) {
    const refused = startProgram(t, args, {
      CONNECTOR_CHANNEL: "dev",
      CONNECTOR_TOKEN: "s3cret",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    });
    assert.equal(await refused.ended, 78);
    assert.match(
      refused.stderr.join("\n"),
      /OTEL_EXPORTER_OTLP_PROTOCOL "grpc": traces are sent by http\/json or http\/protobuf only/,
    );
  }
});

test("a collector that never answers does not keep the program from its end, and what it was sent is told of", async (t) => {
  const collector = await startOtlpReceiver(t, { status: 0 });
  const { connector, relay, post, stop } = await startBoth(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: "600000",
  });
  await post();
  await connector.line(/settlement\.confirmed/);
  await stop();
  for (const [program, spans] of [[connector, 6], [relay, 2]] as const) {
    const told = program.stderr.map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => /trace.export_failed$/.test(String(event)));
    assert.deepEqual(told.map(({ spans }) => spans), [spans]);
  }
});
