import assert from "node:assert/strict";
import { type Control, controlRoutes } from "../../src/status/control.ts";
import { test } from "../support/test.ts";

const control: Control = {
  pause() {},
  resume() {},
  letters: { list: () => [], of: () => [], ids: () => [], drop: () => Promise.resolve(0) },
  isReplayable: () => true,
  replay: () => Promise.resolve("under_way"),
};

const ask = (token: string | undefined, path: string, method: string, given = "t0ken") =>
  controlRoutes(control, () => token).request(path, {
    method,
    headers: { Authorization: `Bearer ${given}` },
  });

test("without a token, as beyond loopback by itself, the control routes are off", async () => {
  const response = await ask(undefined, "/pause", "POST");
  assert.equal(response.status, 403);
  assert.match((await response.json()).detail, /set status_token/);
});

const cases: [method: string, path: string, status: number][] = [
  ["POST", "/pause", 200],
  ["POST", "/pause?for_seconds=60", 200],
  ["POST", "/pause?for_seconds=0", 422],
  ["POST", "/pause?for_seconds=x", 422],
  ["POST", "/pause?for_seconds=1e12", 422],
  ["POST", "/resume", 200],
  ["GET", "/dead-letters?limit=-1", 200],
  ["GET", "/dead-letters/nope", 404],
  ["DELETE", "/dead-letters/nope", 404],
  ["POST", "/dead-letters/a/replay", 404],
  ["POST", "/messages/a/replay", 409],
  ["GET", "/dead-letters/export", 200],
  ["GET", "/nope", 404],
];
for (const [method, path, status] of cases) {
  test(`the control routes answer ${method} ${path} with ${status}`, async () => {
    const response = await ask("t0ken", path, method);
    assert.equal(response.status, status);
    await response.body?.cancel();
    assert.equal((await ask("t0ken", path, method, "other")).status, 401);
  });
}
