import assert from "node:assert/strict";
import { isLocalHost, isLoopback } from "../../src/config/host.ts";
import { test } from "../support/test.ts";

const ours = ["localhost", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1", "127.9.8.7"];
const others = ["", "localhost.example", "127.evil.example", "127.0.0.1.evil.example", "0.0.0.0"];

for (const host of [...ours, "[::1]"]) {
  test(`${host} is this machine, as a host and in a request's Host`, () => {
    assert.ok(isLoopback(host));
    assert.ok(isLocalHost(host));
    assert.ok(isLocalHost(`${host}:9100`));
  });
}

for (const host of [...others, "[::2]"]) {
  test(`${JSON.stringify(host)} is not this machine`, () => {
    assert.ok(!isLoopback(host));
    assert.ok(!isLocalHost(host));
    assert.ok(!isLocalHost(`${host}:9100`));
  });
}
