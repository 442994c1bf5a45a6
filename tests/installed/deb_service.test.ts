/** The Debian package under a real systemd. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { makeDeb } from "../support/deb.ts";
import { noOwnSystemd, runUnderSystemd } from "../support/own_systemd.ts";
import { missing } from "../support/shell.ts";
import { testUnless } from "../support/test.ts";

const dist = join(import.meta.dirname ?? ".", "..", "..", "dist");
const notBuilt = process.env["HOOKFERRY_BIN"]
  ? undefined
  : "only with HOOKFERRY_BIN: deno task test:installed";

/** Nothing but what the package brings is to be found: there is no other hookferry in the path. */
const script = (deb: string) => `
rm -f /usr/local/bin/hookferry /usr/sbin/policy-rc.d
ours() { find /etc /usr /var/lib -xdev -name '*hookferry*' | sort; }
ours > /run/before
dpkg --install ${deb}
echo "installed: $?"
mkdir /etc/hookferry
echo '{"orders":{"module":"webhook_connect","channel":"orders","channel_token":"0123456789abcdef"}}' \
  > /etc/hookferry/webhooks.json
hookferry service install relay --webhooks /etc/hookferry/webhooks.json
echo "service: $?"
echo "runs: $(systemctl is-active hookferry-relay)"
printf '#!/bin/sh\nsystemd-notify --ready\nexec sleep infinity\n' > /opt/hookferry
chmod 755 /opt/hookferry
hookferry service install relay --name other --program /opt/hookferry --webhooks /etc/hookferry/webhooks.json
pid() { systemctl show --property MainPID --value hookferry-$1; }
first=$(pid relay) other=$(pid other)
dpkg --install ${deb}
echo "upgraded: $?, runs: $(systemctl is-active hookferry-relay)"
[ "$first" != "$(pid relay)" ] && echo "restarted: 0"
curl -s -d kept http://127.0.0.1:8420/webhook/orders
dpkg --purge hookferry
echo "purged: $?, runs: $(systemctl is-active hookferry-relay)"
[ "$other" = "$(pid other)" ] && echo "another program: $(systemctl is-enabled hookferry-other)"
systemctl disable --now hookferry-other
rm -r /opt/hookferry /etc/systemd/system/hookferry-other.service /var/lib/hookferry/other /var/lib/private/hookferry/other
echo "left: $(ours | comm -13 /run/before - | xargs)"
dpkg --install ${deb}
hookferry service install relay --webhooks /etc/hookferry/webhooks.json
echo "again: $(curl -s http://127.0.0.1:8420/metrics | grep '^hookferry_relay_queue_depth')"
hookferry service uninstall relay
rm -r /var/lib/hookferry /var/lib/private/hookferry
mkdir -p /var/lib/hookferry/empty
dpkg --purge hookferry
echo "left: $(ours | comm -13 /run/before - | xargs)"
`;

testUnless(
  notBuilt ?? noOwnSystemd ?? missing("dpkg-deb"),
  "of the .deb a service runs, starts anew with an upgrade, and goes with the package; its webhooks and other programs' services stay",
  async (t) => {
    mkdirSync(dist, { recursive: true });
    // The machine sees the repository, below /srv.
    const folder = mkdtempSync(join(dist, "deb-"));
    t.defer(() => rmSync(folder, { recursive: true }));
    const deb = await makeDeb(folder);
    const path = `/srv/hookferry/dist/${basename(folder)}/${basename(deb)}`;
    const { log, journal } = await runUnderSystemd(t, script(path));
    const said = log.split("\n").filter((line) => /^[a-z ]+: /.test(line));
    assert.deepEqual(said, [
      "installed: 0",
      "service: 0",
      "runs: active",
      "upgraded: 0, runs: active",
      "restarted: 0",
      "hookferry: kept, for webhooks in it may be undelivered; to delete it: " +
      "rm -r /var/lib/hookferry /var/lib/private/hookferry",
      "purged: 0, runs: inactive",
      "another program: enabled",
      "left: /etc/hookferry /var/lib/hookferry /var/lib/private/hookferry " +
      "/var/lib/private/hookferry/relay/hookferry",
      'again: hookferry_relay_queue_depth{channel="orders"} 1',
      "left: /etc/hookferry",
    ], log + journal);
  },
);
