import assert from "node:assert/strict";
import stringWidth from "string-width";
import type { KeptExchanges, RecentMessage, TargetStanding } from "../../src/observe/picture.ts";
import { detailLines, detailText, lastFrom } from "../../src/output/live/details.ts";
import { listLines } from "../../src/output/live/list.ts";
import type { LivePicture } from "../../src/output/live/live_picture.ts";
import {
  chosenMessage,
  filtered,
  firstUi,
  type Key,
  press,
  type Ui,
} from "../../src/output/live/ui.ts";
import { test } from "../support/test.ts";

const plain = (_: unknown, text: string) => text;
const size = { columns: 80, rows: 12 };

function message(n: number, more: Partial<RecentMessage> = {}): RecentMessage {
  return {
    ...{ messageId: `msg_${n}`, webhookId: "hook", traceId: undefined, method: "POST" },
    ...{ path: `/${n}`, at: 0, lagMs: 1, bytes: 2, copies: 1, targets: [] },
    ...{ standing: "in_hand", reason: undefined, attemptCount: 0, attempts: [] },
    ...{ durationMs: undefined, settled: undefined, isDeadLetter: false, version: 1 },
    ...more,
  };
}

const messages = [...Array(30).keys()].map((n) => message(30 - n));
const picture: LivePicture = {
  ...{ titles: ["dev at relay"], transport: "sse", sinceMs: 1_000, trouble: undefined },
  ...{ isPaused: false, isDraining: false, inFlight: 2, perSecond: 1.5 },
  ...{ delivered: 1, failed: 0, deadLetters: 0, now: 0, messages },
};

function key(name: string, ctrl = false): Key {
  return { name, text: name.length === 1 ? name : undefined, ctrl };
}

/** What is chosen after these keys. */
function after(keys: readonly string[], ui: Ui = firstUi): Ui {
  return keys.reduce((now, name) => press(now, key(name), messages).ui, ui);
}

test("the newest is chosen until another one is; then that one stays chosen when newer ones come", () => {
  const ui = after(["down", "down", "up"]);
  assert.equal(ui.chosen, "msg_29");
  const grown = [message(31), ...messages];
  assert.equal(press(ui, key("down"), grown).ui.chosen, "msg_28");
  assert.equal(after(["up"], ui).chosen, undefined);
  assert.equal(after(["end"]).chosen, "msg_1");
  assert.equal(after(["end", "down", "home"]).chosen, undefined);
  assert.equal(press(firstUi, key("down"), []).ui.chosen, undefined);
});

test("what is not in the list any more is not chosen, and nor is another one in its place", () => {
  const ui = after(["down"]);
  const others = [message(40), message(39)];
  assert.equal(chosenMessage(ui, others), undefined);
  assert.equal(press(ui, key("return"), others).ui.details, undefined);
  const lines = listLines({ ...picture, messages: others }, ui, "", size, plain);
  assert.deepEqual(lines.filter((line) => line.startsWith(">")), []);
  for (const name of ["down", "up"]) {
    assert.equal(chosenMessage(press(ui, key(name), others).ui, others), "msg_40");
  }
  // Whoever types a filter chooses among what it leaves.
  const typed = after(["f", "4"], ui);
  assert.equal(chosenMessage(typed, filtered(typed, others)), "msg_40");
});

test("the list moves with what is chosen", () => {
  const lines = listLines(picture, after(["end"]), "", size, plain);
  assert.equal(lines.length, size.rows);
  assert.match(lines[size.rows - 4] ?? "", /^>.*\/hook\/1 /);
});

test("a message of another day has its day in place of the time, and its details both", () => {
  const at = new Date(2026, 10, 28, 23, 59, 58).getTime();
  const rowAt = (now: number) => {
    const shown = { ...picture, now, messages: [message(1, { at })] };
    return listLines(shown, firstUi, "", size, plain)[2] ?? "";
  };
  assert.match(rowAt(at + 1_000), /^>23:59:58 {2}POST/);
  assert.match(rowAt(at + 3_000), /^>Nov 28 {4}POST/);
  assert.match(detailText(message(1, { at }), "off").join("\n"), /Sat Nov 28 2026 23:59:58\.000/);
});

test("where to post and why there is no connection can be read on 80 columns and fewer", () => {
  const titles = [
    "post to  http://127.0.0.1:45678/webhook/dev",
    "page     http://127.0.0.1:45679/",
  ];
  const trouble =
    "cannot open the WebSocket stream at ws://127.0.0.1:1/connect/stream/dev: refused";
  const shown = { ...picture, titles, trouble, transport: undefined, messages: [] };
  for (const columns of [50, 80]) {
    const lines = listLines(shown, firstUi, "", { columns, rows: 24 }, plain);
    assert.equal(lines.length, 24);
    assert.deepEqual(lines.slice(0, 2).map((line) => line.trim()), titles);
    assert.match(
      lines.slice(3).map((line) => line.trim()).join(" "),
      /not connected yet: cannot open .*: refused/,
    );
  }
  const small = listLines(shown, firstUi, "", { columns: 80, rows: 8 }, plain);
  assert.equal(small.length, 8);
  assert.match(small[1] ?? "", /TIME/);
});

test("keys are offered where there are some", () => {
  const last = (hasKeys: boolean) => listLines(picture, firstUi, "", size, plain, hasKeys).at(-1);
  assert.match(last(true) ?? "", /q quit/);
  assert.match(last(false) ?? "", /Ctrl-C ends it; standard input is no terminal/);
});

test("keys while a filter is typed are its letters, not commands", () => {
  const ui = after(["f", "q", "r", "backspace", "é"]);
  assert.equal(ui.filter, "qé");
  assert.equal(press(ui, key("q"), messages).action, undefined);
  assert.equal(press(ui, key("c", true), messages).action, "stop");
  assert.deepEqual(after(["escape"], ui), { ...firstUi });
  assert.equal(after(["return", "p"], ui).filter, "qé");
});

test("every word of the filter must be in what is shown of a message", () => {
  const billing: TargetStanding = {
    ...{ name: "billing", standing: "delivered", reason: undefined, isDeadLetter: false },
  };
  const some = [
    message(1, { standing: "rejected", isDeadLetter: true }),
    message(2, { method: "PUT", targets: [billing] }),
  ];
  const found = (filter: string) =>
    filtered({ ...firstUi, filter }, some).map(({ messageId }) => messageId);
  assert.deepEqual(found("dead LETTER"), ["msg_1"]);
  assert.deepEqual(found("put billing /hook/2"), ["msg_2"]);
  assert.deepEqual(found("put dead"), []);
  assert.deepEqual(found("  "), ["msg_1", "msg_2"]);
});

test("every line is as wide as the terminal, whatever senders and targets write", () => {
  const evil = "漢字\x1b[31m\u202eé👩‍👩‍👧\n".repeat(9);
  const strange = message(1, {
    ...{ webhookId: evil, path: evil, method: evil, reason: evil, traceId: evil },
    attempts: [{
      ...{ target: evil, attempt: 1, startedAt: 0, durationMs: 1, result: "transient" },
      ...{ status: undefined, reason: evil },
    }],
  });
  const body = { bytes: new TextEncoder().encode(evil), total: 900, isCut: true };
  const request = { line: evil, headers: [[evil, evil]], body } as const;
  const kept: KeptExchanges = {
    received: request,
    sent: [{
      ...{ target: evil, attempt: 1, request: { ...request, body: { ...body } } },
      response: { status: 500, headers: request.headers, body: { ...body } },
    }],
  };
  const shown = { ...picture, titles: [evil], trouble: evil, transport: undefined };
  for (const columns of [40, 50, 61, 78, 80, 200]) {
    const wide = { columns, rows: 60 };
    const lines = [
      ...listLines({ ...shown, messages: [strange, strange] }, firstUi, evil, wide, plain),
      ...detailLines(detailText(strange, kept), 0, evil, wide, plain),
    ].filter((line) => line !== "");
    for (const line of lines) {
      assert.equal(stringWidth(line), columns, JSON.stringify(line));
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(line, /[\x00-\x1f\u202e]/);
    }
  }
});

test("details go on to their end and no further, and say that bodies are not kept", () => {
  const text = detailText(message(1), "off");
  const first = detailLines(text, 0, "", size, plain);
  assert.match(first.join("\n"), /msg_1/);
  const last = detailLines(text, lastFrom(text, size), "", size, plain);
  assert.equal(last.length, size.rows);
  assert.match(last.join("\n"), /--inspect keeps them/);
  assert.equal(lastFrom(text.slice(0, 3), size), 0);
});

test("details are of the message they were opened for, whether or not it is in the list", () => {
  const ui = after(["down", "enter", "down"]);
  assert.deepEqual(ui.details, { messageId: "msg_29", from: 1 });
  const others = [message(40)];
  assert.equal(chosenMessage(ui, others), "msg_29");
  assert.deepEqual(press(ui, key("up"), others).ui.details, { messageId: "msg_29", from: 0 });
  assert.equal(chosenMessage(press(ui, key("escape"), messages).ui, messages), "msg_29");
  assert.equal(press(firstUi, key("enter"), []).ui.details, undefined);
});
