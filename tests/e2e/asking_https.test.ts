/** Commands that ask a relay over TLS. */
import assert from "node:assert/strict";
import { startProgram } from "../support/program.ts";
import { startDevRelay } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath, startTlsFront } from "../support/tls_front.ts";

async function ended(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const program = startProgram(t, args, env);
  const code = await program.ended;
  return { code, out: program.stdout.join("\n"), err: program.stderr.join("\n") };
}

test("send and rotate-token take the variables that say how TLS is spoken with the relay, and name them", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const { origin } = await startTlsFront(t, new URL(relay.url));
  const ca = { CONNECTOR_CA_CERT_PATH: certPath("ca") };
  const all = {
    ...ca,
    CONNECTOR_CLIENT_CERT_PATH: certPath("client"),
    CONNECTOR_CLIENT_KEY_PATH: certPath("client_key"),
  };
  const admin = { WEBHOOK_CONNECT_ADMIN_TOKEN: "adm1n" };
  for (
    const args of [
      ["send", `${origin}/webhook/hook`],
      ["rotate-token", "dev", "--url", origin],
    ]
  ) {
    const without = await ended(t, args, admin);
    assert.equal(without.code, 1);
    assert.match(without.out + without.err, /not signed by a CA .*: set CONNECTOR_CA_CERT_PATH$/m);
    const none = await ended(t, args, { ...admin, CONNECTOR_CA_CERT_PATH: "/none" });
    assert.equal(none.code, 78);
    assert.match(none.err, /ca_cert_path: cannot read "\/none".* \(environment CONNECTOR_CA_CERT/);
    const { CONNECTOR_CA_CERT_PATH: _, ...client } = all;
    const off = { ...admin, ...client, CONNECTOR_VERIFY_SSL: "false" };
    const unsaid = await ended(t, args, off);
    assert.equal(unsaid.code, 78);
    assert.match(unsaid.err, /verify_ssl: off, .* set allow_insecure/);
    for (const env of [{ ...admin, ...all }, { ...off, CONNECTOR_ALLOW_INSECURE: "true" }]) {
      const done = await ended(t, args, env);
      assert.equal(done.code, 0, done.out + done.err);
    }
  }
});

test("the health of a relay that serves HTTPS is asked by its URL", async (t) => {
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0", "--durability", "memory"],
    ...["--tls-cert", certPath("server"), "--tls-key", certPath("server_key")],
  ]);
  const { origin } = new URL((await relay.line(/^listening/)).split(/\s+/)[1] ?? "");
  assert.match(origin, /^https:\/\/127\.0\.0\.1:/);
  for (const args of [[], ["--ready"], ["--live"]]) {
    const { code, err } = await ended(t, ["healthcheck", "--url", origin, ...args]);
    assert.deepEqual([code, err], [0, ""]);
  }
  assert.equal((await ended(t, ["healthcheck", "--url", origin, "--live", "--ready"])).code, 2);
  assert.equal((await ended(t, ["healthcheck", "--url", new URL(origin).host])).code, 2);
  relay.terminate();
  await relay.ended;
  const { code, err } = await ended(t, ["healthcheck", "--url", `${origin}/`]);
  assert.equal(code, 1);
  assert.equal(err, `hookferry healthcheck: no answer from ${origin}/readyz: connection refused`);
});
