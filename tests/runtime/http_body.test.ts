import assert from "node:assert/strict";
import { HttpBody } from "../../src/runtime/http_body.ts";
import { test } from "../support/test.ts";

/** A body, and what it did with its connection. */
function startBody() {
  const done: string[] = [];
  const source = {
    pause: () => void done.push("pause"),
    resume: () => void done.push("resume"),
    destroy: () => void done.push("destroy"),
  };
  return { body: new HttpBody(source), done };
}

const chunk = (text: string) => Uint8Array.from(Buffer.from(text));
const textOf = (chunks: readonly Uint8Array[]) => chunks.map((one) => Buffer.from(one).toString());

test("chunks that are here are given together, those that come later by themselves", async () => {
  const { body } = startBody();
  for (const text of ["a", "b", "c"]) body.push(chunk(text));
  const batches = body.batches();
  assert.deepEqual(textOf((await batches.next()).value ?? []), ["a", "b", "c"]);
  const later = batches.next();
  body.push(chunk("d"));
  assert.deepEqual(textOf((await later).value ?? []), ["d"]);
  body.push(chunk("e"));
  body.end();
  assert.deepEqual(textOf((await batches.next()).value ?? []), ["e"]);
  assert.equal((await batches.next()).done, true);
});

test("one by one they come in the same order", async () => {
  const { body } = startBody();
  for (const text of ["a", "b", "c"]) body.push(chunk(text));
  body.end();
  const read: Uint8Array[] = [];
  for await (const one of body) read.push(one);
  assert.deepEqual(textOf(read), ["a", "b", "c"]);
});

test("what came before a body broke off is given first", async () => {
  const { body } = startBody();
  body.push(chunk("a"));
  body.fail(new Error("reset"));
  const batches = body.batches();
  assert.deepEqual(textOf((await batches.next()).value ?? []), ["a"]);
  await assert.rejects(batches.next(), /reset/);
});

test("the connection is held up by what nobody reads, and goes on when it is taken", async () => {
  const { body, done } = startBody();
  const part = new Uint8Array(100 * 1024);
  for (let n = 0; n < 3; n++) body.push(part);
  assert.deepEqual(done, ["pause"]);
  const batches = body.batches();
  assert.equal((await batches.next()).value?.length, 3);
  assert.deepEqual(done, ["pause", "resume"]);
  await batches.return(undefined);
  assert.deepEqual(done, ["pause", "resume", "destroy"]);
});

test("a loop that is left early gives up the rest, by chunks too", async () => {
  const { body, done } = startBody();
  for (const text of ["a", "b"]) body.push(chunk(text));
  for await (const one of body) {
    assert.deepEqual(textOf([one]), ["a"]);
    break;
  }
  assert.deepEqual(done, ["destroy"]);
});
