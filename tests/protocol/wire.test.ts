import assert from "node:assert/strict";
import { isChannelName } from "../../src/protocol/channel_name.ts";
import { isForbiddenAddress } from "../../src/protocol/forbidden_address.ts";
import { parseRetryAfter } from "../../src/protocol/retry_after.ts";
import { streamPath } from "../../src/protocol/wire.ts";
import { test } from "../support/test.ts";

const hostile = [
  "",
  ".",
  "..",
  "../admin",
  "a/../b",
  "a..b",
  "a/b",
  "a\\b",
  "a?b",
  "a#b",
  "a%2fb",
  "%2e%2e",
  "a b",
  " a",
  "a\r\nX: y",
  "a\u0000",
  "é",
  "ａ",
  "-a",
  ".a",
  "_a",
  "a@b",
  "a:b",
  "a".repeat(129),
];

test("requirement 5: hostile channel names are refused at both doors: the check at load and the URL builder", () => {
  for (const name of hostile) {
    assert.equal(isChannelName(name), false, JSON.stringify(name));
    for (const kind of ["", "/sse", "/poll"] as const) {
      assert.throws(() => streamPath(name, kind), RangeError, JSON.stringify(name));
    }
  }
  for (const name of ["a", "A.b_c-1", "0", "a".repeat(128)]) {
    assert.equal(isChannelName(name), true, name);
    assert.equal(streamPath(name, "/sse"), `/connect/stream/${name}/sse`);
  }
});

test("requirement 15: addresses that no relay can be at, in every spelling", () => {
  const forbidden = [
    "0.0.0.0",
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "fd00:ec2::254",
  ];
  for (const ip of forbidden) assert.equal(isForbiddenAddress(ip), true, ip);
  for (
    const ip of ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "2001:db8::1", "fd00::1", "8.8.8.8"]
  ) {
    assert.equal(isForbiddenAddress(ip), false, ip);
  }
});

test("Retry-After is read as seconds and as a date, never negative", () => {
  const now = Date.parse("2026-11-24T08:00:00Z");
  const cases: [string | null, number | undefined][] = [
    ["0", 0],
    ["7", 7_000],
    [" 1.5 ", 1_500],
    ["Tue, 24 Nov 2026 08:01:00 GMT", 60_000],
    ["Tue, 24 Nov 2026 07:00:00 GMT", 0],
    ["Tuesday, 24-Nov-26 08:01:00 GMT", 60_000],
    ["Tue Nov 24 08:01:00 2026", 60_000],
    ["-3", undefined],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ];
  for (const [given, expected] of cases) {
    assert.equal(parseRetryAfter(given, now), expected, String(given));
  }
});
