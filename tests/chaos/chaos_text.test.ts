import assert from "node:assert/strict";
import { type Chaos, faultsOf } from "../../src/chaos/chaos.ts";
import { chaosText, parseChaos } from "../../src/chaos/chaos_text.ts";
import { test } from "../support/test.ts";

const none: Chaos = { dropAcks: 0, killConnection: 0, target5xx: 0, delayMs: 0, seed: 7 };

const accepted: [text: string, expected: Chaos][] = [
  ["drop-acks=0.1,kill-connection=0.01,target-5xx=0.1,delay=50ms", {
    dropAcks: 0.1,
    killConnection: 0.01,
    target5xx: 0.1,
    delayMs: 50,
    seed: 7,
  }],
  ["seed=42", { ...none, seed: 42 }],
  ["drop-acks=1, delay=2s", { ...none, dropAcks: 1, delayMs: 2_000 }],
  ["target-5xx=0,delay=1.5s", { ...none, delayMs: 1_500 }],
  ["kill-connection=.5", { ...none, killConnection: 0.5 }],
];
for (const [text, expected] of accepted) {
  test(`${JSON.stringify(text)} names faults, and comes back as a text that means the same`, () => {
    assert.deepEqual(parseChaos(text, 7), expected);
    assert.deepEqual(parseChaos(chaosText(expected), 0), expected);
  });
}

const refused: [text: string, problem: RegExp][] = [
  ["", /^"": use drop-acks, kill-connection, target-5xx, delay, seed, each as NAME=VALUE$/],
  ["drop=0.1", /^"drop": use drop-acks, /],
  ["__proto__=1", /^"__proto__": use /],
  ["drop-acks=0.1,", /^"": use drop-acks, /],
  ["drop-acks", /^drop-acks: "": use a probability, 0 to 1$/],
  ["drop-acks=1.1", /^drop-acks: "1.1": use a probability, 0 to 1$/],
  ["kill-connection=-0.1", /^kill-connection: "-0.1": use a probability/],
  ["target-5xx=1e-3", /^target-5xx: "1e-3": use a probability/],
  ["target-5xx=0.1=0.2", /^target-5xx: "0.1": use a probability/],
  ["target-5xx=0.1,target-5xx=0.2", /^target-5xx is given twice$/],
  ["delay=50", /^delay: "50": use a duration, as 50ms or 2s$/],
  ["delay=fast", /^delay: "fast": use a duration/],
  ["delay=-1s", /^delay: "-1s": use a duration/],
  ["seed=1.5", /^seed: "1.5": use a whole number, 0 to 4294967295$/],
  ["seed=4294967296", /^seed: "4294967296": use a whole number/],
];
for (const [text, problem] of refused) {
  test(`${JSON.stringify(text)} is refused, with what is accepted`, () => {
    assert.match(String(parseChaos(text, 7)), problem);
  });
}

test("the same seed brings the same sequence of each fault, whatever happens between", () => {
  const chaos: Chaos = { ...none, dropAcks: 0.5, killConnection: 0.5, target5xx: 0.5 };
  const first = faultsOf(chaos);
  const second = faultsOf(chaos);
  const drops = Array.from({ length: 100 }, () => first.dropsAck());
  const again = Array.from({ length: 100 }, () => {
    second.killsConnection();
    second.failsTarget();
    return second.dropsAck();
  });
  assert.deepEqual(again, drops);
  assert.ok(drops.includes(true) && drops.includes(false));
  const kills = Array.from({ length: 100 }, () => first.killsConnection());
  assert.notDeepEqual(kills, drops);
});
