import assert from "node:assert/strict";
import { type Picture, readinessOf, type TargetPicture } from "../../src/observe/readiness.ts";
import { test } from "../support/test.ts";

const fresh: TargetPicture = {
  tried: false,
  failuresInARow: 0,
  lastFailure: "",
  breaker: "closed",
  isIdle: false,
  sinceFailureMs: Infinity,
};
const well: TargetPicture = { ...fresh, tried: true };
const failing: TargetPicture = {
  ...well,
  ...{ failuresInARow: 3, lastFailure: "refused", isIdle: true, sinceFailureMs: 119_999 },
};
const forgotten: TargetPicture = { ...failing, sinceFailureMs: 120_000 };
const open: TargetPicture = { ...forgotten, breaker: "open" };
const picture: Picture = {
  connectedOver: "sse",
  whyNone: undefined,
  unconfirmedMs: 0,
  journalProblem: undefined,
  pausedUntil: undefined,
  draining: false,
  targets: new Map([["a", well]]),
};

const cases: readonly (readonly [what: string, Partial<Picture>, unready: string | undefined])[] = [
  ["connected, and the target answers", {}, undefined],
  ["the relay takes a while to confirm", { unconfirmedMs: 59_999 }, undefined],
  [
    "the relay does not confirm",
    { unconfirmedMs: 60_000 },
    "connection: connected over sse; for 60 s the relay has not confirmed what became of a message",
  ],
  ["no target has been tried", { targets: new Map([["a", fresh]]) }, undefined],
  ["one target fails beside one that answers", {
    targets: new Map([["a", failing], ["b", well]]),
  }, undefined],
  ["one target fails beside one not tried", {
    targets: new Map([["a", open], ["b", fresh]]),
  }, undefined],
  [
    "every target fails",
    {
      targets: new Map([["a", failing], ["b", open]]),
    },
    "target a: 3 failures in a row: refused; " +
    "target b: 3 failures in a row, its breaker is open: refused",
  ],
  ["the target failed, and for a while nothing came for it", {
    targets: new Map([["a", forgotten]]),
  }, undefined],
  ["the breaker has let nobody through, and for a while nobody came", {
    targets: new Map([["a", { ...forgotten, breaker: "half_open" }]]),
  }, undefined],
  ["the target failed a while ago, and messages wait for it", {
    targets: new Map([["a", { ...forgotten, isIdle: false }]]),
  }, "target a: 3 failures in a row: refused"],
  ["the breaker lets one through", {
    targets: new Map([["a", { ...forgotten, isIdle: false, breaker: "half_open" }]]),
  }, "target a: 3 failures in a row, its breaker is half open: refused"],
  ["not connected", { connectedOver: undefined }, "connection: not connected yet"],
  [
    "not connected any more",
    { connectedOver: undefined, whyNone: "closed" },
    "connection: closed",
  ],
  ["paused", { pausedUntil: Infinity }, "intake: paused"],
  ["paused for a while", { pausedUntil: 0 }, "intake: paused until 1970-01-01T00:00:00.000Z"],
  ["stopping", { draining: true }, "intake: it is stopping"],
  ["the journal fails", { journalProblem: "disk full" }, "journal: disk full"],
];

for (const [what, more, unready] of cases) {
  test(`readiness: ${what}: ${unready === undefined ? "ready" : "not ready, and says why"}`, () => {
    const { ready, parts } = readinessOf({ ...picture, ...more });
    assert.equal(ready, unready === undefined);
    if (unready === undefined) return;
    const reasons = parts.filter((part) => !part.ready).map(({ name, detail }) =>
      `${name}: ${detail}`
    );
    assert.equal(reasons.join("; "), unready);
  });
}
