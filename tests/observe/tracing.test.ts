import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import process from "node:process";
import { systemClock } from "../../src/async/clock.ts";
import { isAskedFor, startTracing } from "../../src/observe/tracing.ts";
import { traceIdOf, withSpan } from "../../src/protocol/trace_context.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";
import { test, type TestContext } from "../support/test.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };

test("traces are made only when an endpoint is set and nothing says not to", async () => {
  assert.equal(isAskedFor({}), false);
  assert.equal(isAskedFor({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }), false);
  assert.equal(isAskedFor(endpoint), true);
  assert.equal(isAskedFor({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1/x" }), true);
  assert.equal(isAskedFor({ ...endpoint, OTEL_SDK_DISABLED: "true" }), false);
  assert.equal(isAskedFor({ ...endpoint, OTEL_TRACES_EXPORTER: "none" }), false);
  const options = { service: "a", version: "1", env: {}, onFailed: () => {}, clock: systemClock };
  assert.equal(await startTracing(options), undefined);
});

/** Recorded: a trace that begins here, one whose parent is, one whose parent is not; of 200 that begin here. */
const samplers: readonly (readonly [
  name: string | undefined,
  argument: string | undefined,
  ofNew: (share: number) => boolean,
  sampled: boolean,
  unsampled: boolean,
])[] = [
  [undefined, undefined, (share) => share === 1, true, false],
  ["parentbased_always_on", undefined, (share) => share === 1, true, false],
  ["parentbased_always_off", undefined, (share) => share === 0, true, false],
  ["parentbased_traceidratio", "0.5", (share) => share > 0.2 && share < 0.8, true, false],
  ["always_on", undefined, (share) => share === 1, true, true],
  ["always_off", undefined, (share) => share === 0, false, false],
  ["traceidratio", "0", (share) => share === 0, false, false],
  ["traceidratio", "not a number", (share) => share === 1, true, true],
];

for (const [name, argument, ofNew, sampled, unsampled] of samplers) {
  test(`OTEL_TRACES_SAMPLER ${name} ${argument ?? ""} decides what is recorded`, async () => {
    const tracing = await startTracing({
      service: "a",
      version: "1",
      env: { ...endpoint, OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument },
      onFailed: () => {},
      clock: systemClock,
    });
    assert.ok(tracing);
    const spanId = "00f067aa0ba902b7";
    assert.equal(tracing.sample(trace, { traceId: trace, spanId, isSampled: true }), sampled);
    assert.equal(tracing.sample(trace, { traceId: trace, spanId, isSampled: false }), unsampled);
    const ids = Array.from(
      { length: 200 },
      (_, i) => createHash("sha256").update(String(i)).digest("hex").slice(0, 32),
    );
    const share = ids.filter((id) => tracing.sample(id, undefined)).length / ids.length;
    assert.ok(ofNew(share), String(share));
    await tracing.close();
  });
}

test("a span of ours stands in traceparent, keeps tracestate, and knows its parent", () => {
  const headers = [
    ["TraceParent", `01-${trace}-00f067aa0ba902b7-03-more`],
    ["tracestate", "a=1"],
    ["x", "y"],
  ] as const;
  const made = withSpan(headers, () => true);
  const traceparent = made.headers.find(([name]) => name === "traceparent")?.[1];
  assert.equal(traceparent, `00-${trace}-${made.span.spanId}-01`);
  assert.equal(made.span.parentSpanId, "00f067aa0ba902b7");
  assert.deepEqual(made.headers.slice(0, 2), [["tracestate", "a=1"], ["x", "y"]]);
  const off = withSpan(headers, undefined);
  assert.equal(off.headers, headers, "tracing off touches nothing");
  assert.equal(withSpan(headers, () => false).headers, headers);
});

test("a trace that begins here is new, and drops a tracestate without parent", () => {
  const { headers, span } = withSpan([["tracestate", "a=1"]], () => true);
  assert.equal(headers.length, 1);
  assert.match(headers[0]?.[1] ?? "", new RegExp(`^00-${traceIdOf(headers)}-${span.spanId}-01$`));
  assert.equal(span.parentSpanId, undefined);
  assert.deepEqual(withSpan([], () => false).span, {});
});

/** Traces to this receiver; the exporter reads the variables of the process. */
async function startExport(t: TestContext, url: string, env: Record<string, string> = {}) {
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env };
  for (const [name, value] of Object.entries(all)) process.env[name] = value;
  t.defer(() => Object.keys(all).forEach((name) => delete process.env[name]));
  const told: { message: string; spans: number }[] = [];
  const tracing = await startTracing({
    ...{ service: "a", version: "1", env: all, clock: systemClock },
    onFailed: (message, spans) => void told.push({ message, spans }),
  });
  assert.ok(tracing);
  const { record } = tracing;
  return {
    ...{ tracing, told },
    lost: () => told.reduce((sum, { spans }) => sum + spans, 0),
    recordSome(count: number) {
      const at = Date.now();
      for (let i = 0; i < count; i++) {
        const spanId = i.toString(16).padStart(16, "1");
        record({
          ...{ name: "a", kind: "internal", traceId: trace, spanId, parentSpanId: undefined },
          ...{ startedAt: at, endedAt: at, attributes: {} },
        });
      }
    },
  };
}

test("spans that come while a collector does not answer wait, 16,384 of them", async (t) => {
  const { promise: open, resolve: answer } = Promise.withResolvers<void>();
  const collector = await startOtlpReceiver(t, { open });
  const { tracing, told, recordSome } = await startExport(t, collector.url);
  recordSome(16_384);
  answer();
  await tracing.close();
  assert.equal(collector.spans.length, 16_384);
  assert.deepEqual(told, []);
});

test("spans for which there is no room are told of, in one word for many: received and told are all", async (t) => {
  const { promise: open, resolve: answer } = Promise.withResolvers<void>();
  const collector = await startOtlpReceiver(t, { open });
  const { tracing, told, lost, recordSome } = await startExport(t, collector.url, {
    OTEL_BSP_MAX_QUEUE_SIZE: "1000",
  });
  recordSome(5_000);
  answer();
  await tracing.close();
  assert.equal(collector.spans.length + lost(), 5_000);
  assert.deepEqual(told.map(({ message }) => message), [
    "the collector is slow: 1000 spans wait (OTEL_BSP_MAX_QUEUE_SIZE)",
  ]);
});

test("spans that a collector refuses in an answer of 200 are told of", async (t) => {
  const collector = await startOtlpReceiver(t, {
    answer: { partialSuccess: { rejectedSpans: "3", errorMessage: "too old" } },
  });
  const { tracing, told, recordSome } = await startExport(t, collector.url);
  recordSome(10);
  await tracing.close();
  assert.deepEqual(told.map(({ spans }) => spans), [3]);
  assert.match(told[0]?.message ?? "", /too old/);
});

test("a file that the variables name and that cannot be read is told of", async (t) => {
  const { tracing } = await startExport(t, "https://127.0.0.1:1", {
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/nonexistent/ca.pem",
  });
  assert.deepEqual(tracing.problems, ["Failed to read root certificate file"]);
  await tracing.close();
});
