import assert from "node:assert/strict";
import { IdTable } from "../../src/async/id_table.ts";
import { PlaceOrder } from "../../src/async/place_order.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

/** Of every kind: short, at the edge of what stands in the table, longer, beyond Latin-1, and nearly the same. */
function idOf(n: number): string {
  const kinds = [`msg_${n}`, `${n}`.padEnd(48, "x"), `${n}`.padEnd(49, "x"), `ÿ${n}`, `—${n}`, ""];
  return kinds[n % kinds.length] ?? "";
}

test("an id has a place of its own from when it is put in until it is taken out, as in a Map", () => {
  const random = seededRandom(1);
  const table = new IdTable();
  const places = new Map<string, number>();
  for (let n = 0; n < 50_000; n++) {
    const id = idOf(Math.floor(random() * 6_000));
    const place = table.placeOf(id);
    assert.equal(place, places.get(id) ?? 0, id);
    if (place !== 0) {
      assert.equal(table.idAt(place), id);
      table.remove(place);
      places.delete(id);
    } else {
      places.set(id, table.add(id));
    }
  }
  assert.equal(new Set(places.values()).size, places.size);
  for (const [id, place] of places) assert.equal(table.idAt(place), id);
});

test("places are used again: there are never more than ids at once, and none is 0", () => {
  const table = new IdTable();
  let highest = 0;
  for (let n = 0; n < 10_000; n++) {
    const place = table.add(`msg_${n}`);
    highest = Math.max(highest, place);
    assert.notEqual(place, 0);
    if (n >= 100) table.remove(table.placeOf(`msg_${n - 100}`));
  }
  assert.equal(highest, 101);
});

test("ids of the same hash are told apart, and taken out each for itself", () => {
  const table = new IdTable(() => 7);
  const ids = ["a", "\u0161", "a\0", "\u0100", "\0", "", "x".repeat(48), "x".repeat(49)];
  const places = ids.map((id) => table.add(id));
  assert.deepEqual(ids.map((id) => table.placeOf(id)), places);
  for (const other of ["b", "aa", "x".repeat(47), "x".repeat(50), "\u0101"]) {
    assert.equal(table.placeOf(other), 0, other);
  }
  for (const [i, id] of ids.entries()) {
    table.remove(table.placeOf(id));
    assert.deepEqual(ids.map((each) => table.placeOf(each) !== 0), ids.map((_, j) => j > i));
  }
});

test("places stand in the order in which they were put in, whichever is taken out", () => {
  const random = seededRandom(2);
  const order = new PlaceOrder();
  let known: number[] = [];
  for (let n = 0; n < 20_000; n++) {
    const place = 1 + Math.floor(random() * 300);
    if (known.includes(place)) {
      order.remove(place);
      known = known.filter((one) => one !== place);
    } else {
      order.add(place);
      known.push(place);
    }
    assert.equal(order.oldest, known[0] ?? 0);
    assert.equal(order.size, known.length);
  }
  for (const place of known) {
    assert.equal(order.oldest, place);
    order.remove(place);
  }
  assert.equal(order.oldest, 0);
});
