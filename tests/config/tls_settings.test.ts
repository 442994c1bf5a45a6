/** Requirement 6: what a runtime could not do with a TLS setting is refused at load. */
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Secret } from "../../src/config/secret.ts";
import type { TlsSettings } from "../../src/config/settings.ts";
import { readTls, tlsKeys, type TlsPaths } from "../../src/config/tls_settings.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath } from "../support/tls_front.ts";

function read(paths: Partial<TlsPaths>): { tls: TlsSettings; problems: string } {
  const problems: string[] = [];
  const all = { verify: true, caPath: undefined, certPath: undefined, keyPath: undefined };
  const tls = readTls({ ...all, ...paths }, tlsKeys(""), (problem) => problems.push(problem));
  return { tls, problems: problems.join("\n") };
}

const clientKey = () => createPrivateKey(readFileSync(certPath("client_key")));

function written(t: TestContext, key: KeyObject, passphrase?: string): string {
  const path = join(t.folder(), "key.pem");
  const lock = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  writeFileSync(path, key.export({ type: "pkcs8", format: "pem", ...lock }));
  return path;
}

test("a key with a passphrase is opened with it, and belongs to its certificate", (t) => {
  const keyPath = written(t, clientKey(), "open sesame");
  const { tls, problems } = read({
    certPath: certPath("client"),
    keyPath,
    passphrase: new Secret("open sesame"),
  });
  assert.equal(problems, "");
  assert.ok(clientKey().equals(createPrivateKey(tls.key ?? "")));
});

test("a key with a passphrase is refused without it, and with another; no message shows one", (t) => {
  const given = { certPath: certPath("client"), keyPath: written(t, clientKey(), "open sesame") };
  assert.match(read(given).problems, /key\.pem" has a passphrase: set client_key_passphrase/);
  const { problems } = read({ ...given, passphrase: new Secret("open barley") });
  assert.match(problems, /key\.pem" does not open with client_key_passphrase/);
  assert.doesNotMatch(problems, /barley/);
});

test("a passphrase without a key is told", () => {
  const { problems } = read({ passphrase: new Secret("x") });
  assert.equal(problems, "client_key_passphrase: has no meaning without client_key_path");
});

const kinds: [name: string, make: () => KeyObject, refused?: RegExp][] = [
  ["RSA 2048", () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
  ["P-384", () => generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey],
  ["P-521", () => generateKeyPairSync("ec", { namedCurve: "secp521r1" }).privateKey],
  ["Ed25519", () => generateKeyPairSync("ed25519").privateKey],
  [
    "RSA 1024",
    () => generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey,
    /a key of the kind rsa 1024, which Deno or Bun cannot use: use RSA of at least 2048 bits/,
  ],
  ["X25519", () => generateKeyPairSync("x25519").privateKey, /a key of the kind x25519/],
];
for (const [name, make, refused] of kinds) {
  test(`a ${name} key is ${refused ? "refused by its kind" : "one that both runtimes can use"}`, (t) => {
    const { problems } = read({ certPath: certPath("client"), keyPath: written(t, make()) });
    assert.match(problems, refused ?? /^client_key_path: .* is not the key of .*client\.pem"$/);
  });
}

test("a file of several certificates is looked at to its end", (t) => {
  const ca = readFileSync(certPath("ca"), "utf8");
  const other = readFileSync(certPath("other_ca"), "utf8");
  const path = join(t.folder(), "bundle.pem");
  writeFileSync(path, `one\n${ca}two\n${other}`);
  assert.equal(read({ caPath: path }).problems, "");
  writeFileSync(path, ca + other.replace(/\n[^-]/, "\n="));
  assert.match(read({ caPath: path }).problems, /bundle\.pem" does not hold a PEM certificate$/);
});

test("a server name is a host name: an address cannot be asked for", () => {
  for (const serverName of ["api.internal", "a", "under_score.x", "xn--bcher-kva.example"]) {
    assert.equal(read({ serverName }).problems, "", serverName);
  }
  for (const serverName of ["10.0.0.1", "::1", "a..b", "https://a", "a b", `${"a".repeat(64)}.x`]) {
    const { problems } = read({ serverName });
    assert.equal(problems, `tls_server_name: ${JSON.stringify(serverName)} is not a host name`);
  }
});
