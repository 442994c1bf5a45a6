import assert from "node:assert/strict";
import { chooseProxy } from "../../src/config/proxy.ts";
import { test } from "../support/test.ts";

function choose(url: string, env: Record<string, string>, given?: string) {
  const choice = chooseProxy(new URL(url), given, env);
  if (typeof choice === "string") return choice;
  return `${choice.proxy?.href ?? "direct"}: ${choice.proxyReason}`;
}

const p = "http://p.test:3128";
const cases: [url: string, env: Record<string, string>, given: string | undefined, is: string][] = [
  ["https://r.test", {}, undefined, "direct: no proxy is set"],
  ["https://r.test", { HTTPS_PROXY: p }, undefined, `${p}/: HTTPS_PROXY is set`],
  [
    "https://r.test",
    { https_proxy: p, HTTPS_PROXY: "http://q" },
    undefined,
    `${p}/: https_proxy is set`,
  ],
  ["https://r.test", { HTTP_PROXY: p }, undefined, "direct: no proxy is set"],
  ["http://r.test", { HTTP_PROXY: p }, undefined, `${p}/: HTTP_PROXY is set`],
  ["http://r.test", { HTTP_PROXY: p, REQUEST_METHOD: "GET" }, undefined, "direct: no proxy is set"],
  [
    "http://r.test",
    { http_proxy: p, REQUEST_METHOD: "GET" },
    undefined,
    `${p}/: http_proxy is set`,
  ],
  ["https://r.test", { ALL_PROXY: p }, undefined, `${p}/: ALL_PROXY is set`],
  ["https://r.test", { HTTPS_PROXY: "", all_proxy: p }, undefined, `${p}/: all_proxy is set`],
  ["https://r.test", { HTTPS_PROXY: "p.test:3128" }, undefined, `${p}/: HTTPS_PROXY is set`],
  [
    "https://r.test",
    { HTTPS_PROXY: "https://u:pw@p.test" },
    undefined,
    "https://u:pw@p.test/: HTTPS_PROXY is set",
  ],
  ["https://r.test", { HTTPS_PROXY: p }, "none", "direct: proxy is none"],
  ["https://r.test", { NO_PROXY: "*" }, p, `${p}/: set by proxy`],
  ["http://localhost:3000", { HTTP_PROXY: p }, undefined, "direct: on this machine"],
  ["http://127.8.0.1", { ALL_PROXY: p }, undefined, "direct: on this machine"],
  ["http://[::1]:80", { HTTP_PROXY: p }, undefined, "direct: on this machine"],
  ["http://localhost:3000", {}, p, `${p}/: set by proxy`],
  // A variable that is not used is not judged.
  ["https://r.test", { HTTP_PROXY: "socks5://s" }, undefined, "direct: no proxy is set"],
];
for (const [url, env, given, is] of cases) {
  test(`the proxy for ${url} by ${JSON.stringify({ ...env, ...(given && { proxy: given }) })}`, () => {
    assert.equal(choose(url, env, given), is);
  });
}

const exempt: [noProxy: string, url: string, isExempt: boolean][] = [
  ["*", "https://a.test", true],
  ["a.test", "https://a.test", true],
  ["a.test", "https://b.a.test", true],
  [".a.test", "https://b.a.test", true],
  ["*.a.test", "https://b.a.test", true],
  ["A.TEST", "https://a.test.", true],
  ["a.test", "https://ba.test", false],
  ["x, a.test", "https://a.test", true],
  ["x a.test", "https://a.test", true],
  ["a.test:8443", "https://a.test:8443", true],
  ["a.test:8443", "https://a.test", false],
  ["a.test:443", "https://a.test", true],
  ["10.0.0.0/8", "https://10.1.2.3", true],
  ["10.0.0.0/8", "https://11.1.2.3", false],
  ["10.0.0.0/33", "https://10.1.2.3", false],
  ["10.1.2.3", "https://10.1.2.3", true],
  ["1.2.3", "https://0.1.2.3", false],
  ["fd00::/8", "https://[fd12::1]", true],
  ["[fd12::1]:443", "https://[fd12::1]", true],
  ["", "https://a.test", false],
  [",", "https://a.test", false],
];
for (const [noProxy, url, isExempt] of exempt) {
  test(`NO_PROXY ${JSON.stringify(noProxy)} ${isExempt ? "names" : "does not name"} ${url}`, () => {
    const found = choose(url, { HTTPS_PROXY: p, no_proxy: noProxy });
    assert.equal(found, isExempt ? "direct: no_proxy names it" : `${p}/: HTTPS_PROXY is set`);
  });
}

test("what is no proxy is refused without a word of it: it may hold a password", () => {
  for (
    const bad of [
      "socks5://u:pw@s:1080",
      "http://",
      "http://u:pw@h/path",
      "http://a%:pw@h",
      "ftp://h",
    ]
  ) {
    const inVariable = choose("https://r.test", { ALL_PROXY: bad });
    assert.match(inVariable, /^the value of ALL_PROXY is no proxy .* or set proxy to none$/, bad);
    const inSetting = choose("https://r.test", {}, bad);
    assert.match(inSetting, /^its value is no proxy that can be used here: use http:/, bad);
    assert.doesNotMatch(inVariable + inSetting, /pw@h/);
  }
});
