import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadSettings } from "../../src/config/load.ts";
import { test } from "../support/test.ts";

function load(more: Record<string, unknown>) {
  const content = { cloud_url: "https://r.example", channel: "c", token: "t", ...more };
  return loadSettings({ file: { path: "/test.json", content }, env: {}, flags: {} }).settings;
}

function problemsOf(more: Record<string, unknown>): readonly string[] {
  try {
    load(more);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const url = "http://127.0.0.1:1/";

test("a target batches when it says so, with defaults for what is not said", () => {
  const settings = load({
    default_target: { url },
    targets: {
      a: { url, batch: {} },
      b: {
        url,
        batch: { max_messages: 7, max_wait_seconds: 0, max_bytes: 9, format: "ndjson" },
      },
    },
  });
  assert.equal(settings.defaultRoute?.targets[0].batch, undefined);
  assert.deepEqual(settings.routes.get("a")?.targets[0].batch, {
    maxMessages: 100,
    maxWaitMs: 500,
    maxBytes: 1_048_576,
    format: "json",
  });
  assert.deepEqual(settings.routes.get("b")?.targets[0].batch, {
    maxMessages: 7,
    maxWaitMs: 0,
    maxBytes: 9,
    format: "ndjson",
  });
});

test("a batch that can never fill is refused, with both values, and every one of them", () => {
  const problems = problemsOf({
    max_queue_messages: 50,
    max_queue_bytes: 1_000,
    default_target: { url, batch: {} },
    targets: {
      fits: { url, batch: { max_messages: 50, max_bytes: 1_000 } },
      large: { url, batch: { max_messages: 51, max_bytes: 1_001 } },
    },
  });
  const never = "such a batch never fills; lower the one or raise the other (file /test.json)";
  assert.deepEqual(problems, [
    `default_target.batch.max_messages: 100 is more than max_queue_messages, 50: ${never}`,
    `default_target.batch.max_bytes: 1048576 is more than max_queue_bytes, 1000: ${never}`,
    `targets.large.batch.max_messages: 51 is more than max_queue_messages, 50: ${never}`,
    `targets.large.batch.max_bytes: 1001 is more than max_queue_bytes, 1000: ${never}`,
  ]);
});

test("what a batch cannot be is refused with its path", () => {
  const batch = {
    max_messages: 0,
    max_wait_seconds: 61,
    max_bytes: 1.5,
    format: "xml",
    size: 1,
  };
  const problems = problemsOf({ default_target: { url, batch } });
  assert.equal(problems.length, 5, problems.join("\n"));
  for (const key of ["max_messages", "max_wait_seconds", "max_bytes", "format"]) {
    assert.ok(problems.some((problem) => problem.startsWith(`default_target.batch.${key}: `)), key);
  }
  assert.match(problems.join("\n"), /default_target\.batch\.size: unknown key/);
  assert.match(
    problemsOf({ default_target: { url, batch: true } }).join(),
    /default_target\.batch/,
  );
});
