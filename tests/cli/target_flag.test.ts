import assert from "node:assert/strict";
import { targetUrl } from "../../src/cli/target_flag.ts";
import { parseListen } from "../../src/config/listen_address.ts";
import { test } from "../support/test.ts";

test("--to takes a port, host and port, with a path or without, and whole URLs", () => {
  const urls: Readonly<Record<string, string | undefined>> = {
    "3000": "http://127.0.0.1:3000/",
    ":3000": "http://127.0.0.1:3000/",
    "3000/api": "http://127.0.0.1:3000/api",
    "localhost:3000": "http://localhost:3000/",
    "127.0.0.1:3000/hooks?a=1": "http://127.0.0.1:3000/hooks?a=1",
    "[::1]:3000": "http://[::1]:3000/",
    "https://target.example/x": "https://target.example/x",
    "0": undefined,
    "70000": undefined,
    "localhost:": undefined,
    "ftp://x": undefined,
    "999.1.1.1:80": undefined,
  };
  for (const [given, url] of Object.entries(urls)) assert.equal(targetUrl(given), url, given);
});

test("--listen takes host and port, or a port of this machine alone", () => {
  assert.deepEqual(parseListen("8420"), { hostname: "127.0.0.1", port: 8420 });
  assert.deepEqual(parseListen("[::1]:0"), { hostname: "::1", port: 0 });
  for (const given of ["70000", "127.0.0.1:70000", "host", ":8420", ""]) {
    assert.equal(parseListen(given), undefined, given);
  }
});
