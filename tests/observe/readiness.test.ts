import assert from "node:assert/strict";
import { type Picture, readinessOf, type TargetPicture } from "../../src/observe/readiness.ts";
import { test } from "../support/test.ts";

const fresh: TargetPicture = {
  tried: false,
  failuresInARow: 0,
  lastFailure: "",
  breaker: "closed",
};
const well: TargetPicture = { ...fresh, tried: true };
const failing: TargetPicture = { ...well, failuresInARow: 3, lastFailure: "refused" };
const open: TargetPicture = { ...failing, breaker: "open" };
const picture: Picture = {
  connectedOver: "sse",
  whyNone: undefined,
  journalProblem: undefined,
  pausedUntil: undefined,
  draining: false,
  targets: new Map([["a", well]]),
};

const cases: readonly (readonly [what: string, Partial<Picture>, unready: string | undefined])[] = [
  ["connected, and the target answers", {}, undefined],
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
