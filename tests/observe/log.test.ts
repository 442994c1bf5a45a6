import assert from "node:assert/strict";
import { systemClock } from "../../src/async/clock.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { createLog } from "../../src/observe/log.ts";
import { withContext } from "../../src/observe/message_context.ts";
import { test } from "../support/test.ts";

test("the human log has nothing that a terminal would obey, whatever a relay or a target says", () => {
  const lines: string[] = [];
  const log = createLog<{ readonly type: string; readonly said: string }>({
    ...{ level: "debug", format: "human", clock: systemClock, levelOf: () => "info" },
    write: (line) => lines.push(line),
  });
  log.observe({ type: "x", said: "a\x1b[2J\x9b2J\r\n\x7f\u202eb\u2028c" });
  log.close();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /said="a\\u001b\[2J\\u009b2J\\r\\n\\u007f\\u202eb\\u2028c"$/);
});

test("every settlement of a message is told with its webhook and trace, also one for a copy that came meanwhile", () => {
  const told: ConnectorEvent[] = [];
  const observe = withContext((event) => told.push(event));
  const about = { messageId: "m", webhookId: "hook", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" };
  const received = { ...about, method: "POST", path: "", bytes: 1, lagMs: 1 };
  const settled = { messageId: "m", verdict: "ack", retry: false } as const;
  for (let n = 0; n < 2; n++) observe({ type: "delivery.received", ...received });
  for (let n = 0; n < 2; n++) observe({ type: "settlement.confirmed", ...settled });
  const wanted = { type: "settlement.confirmed", ...settled, ...about };
  assert.deepEqual(told.slice(2), [wanted, wanted]);
});

test("a JSON line has time, level and event first, wherever the event keeps its type", () => {
  const lines: string[] = [];
  const log = createLog<{ readonly type: string; readonly a?: number }>({
    ...{ level: "info", format: "json", clock: systemClock, levelOf: () => "info" },
    write: (line) => lines.push(line.replace(/"time":"[^"]+"/, '"time":""')),
  });
  log.observe({ type: "x" });
  log.observe({ type: "x", a: 1 });
  log.observe({ a: 1, type: "x" });
  log.close();
  const head = '{"time":"","level":"info","event":"x"';
  assert.deepEqual(lines, [`${head}}`, `${head},"a":1}`, `${head},"a":1}`]);
});

test("milliseconds are whole, and everything else is told as it is", () => {
  for (
    const [format, says] of [["json", '"retryInMs":2829,"ratio":0.5'], [
      "human",
      "retryInMs=2829 ratio=0.5",
    ]] as const
  ) {
    const lines: string[] = [];
    const log = createLog<
      { readonly type: string; readonly retryInMs: number; readonly ratio: number }
    >({
      ...{ level: "info", format, clock: systemClock, levelOf: () => "warning" },
      write: (line) => lines.push(line),
    });
    log.observe({ type: "x", retryInMs: 2828.65, ratio: 0.5 });
    log.close();
    assert.ok(lines[0]?.includes(says), lines[0]);
  }
});
