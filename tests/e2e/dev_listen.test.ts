/** `hookferry dev` where others are to reach it. */
import assert from "node:assert/strict";
import { hostname, networkInterfaces } from "node:os";
import { authority } from "../../src/config/host.ts";
import { startProgram } from "../support/program.ts";
import { test, type TestContext, testUnless } from "../support/test.ts";

async function delivers(t: TestContext, host: string, shown: string) {
  const listen = ["--listen", authority(host, 0)];
  const dev = startProgram(t, ["dev", ...listen, "--once", "--output", "json"]);
  assert.equal(await dev.ended, 0, dev.stderr.join("\n"));
  const told = dev.stdout.map((line) => JSON.parse(line));
  const { url } = told.find(({ type }) => type === "post_to");
  assert.equal(new URL(url).hostname, new URL(`http://${shown}/`).hostname);
}

const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
const own = addresses.find(({ internal, address }) => !internal && !address.startsWith("fe80"));
const hasIpv6 = addresses.some(({ family }) => family === "IPv6");

test("dev on all addresses reaches itself, and shows one that others reach", async (t) => {
  await delivers(t, "0.0.0.0", hostname());
});

testUnless(
  hasIpv6 ? undefined : "no IPv6 here",
  "dev on all addresses of IPv6 reaches itself, and shows one that others reach",
  (t) => delivers(t, "::", hostname()),
);

testUnless(
  own ? undefined : "no network here",
  "dev on an address of the network reaches itself there without TLS",
  (t) => delivers(t, own?.address ?? "", authority(own?.address ?? "", 0)),
);
