/** The unit under a real systemd, all of its hardening on. */
import assert from "node:assert/strict";
import { noOwnSystemd, runUnderSystemd } from "../support/own_systemd.ts";
import { skip, test } from "../support/test.ts";

const script = `
mkdir -p /etc/hookferry
cd /etc/hookferry
cat > webhooks.json <<'JSON'
{"orders": {"module": "webhook_connect", "channel": "orders", "channel_token": "t0ken"}}
JSON
cat > connector.yaml <<'YAML'
cloud_url: http://127.0.0.1:8420
channel: orders
default_target: { url: "http://127.0.0.1:3000/hooks" }
YAML
install -d -o daemon -m 700 /srv/second
cat connector.yaml - > second.yaml <<'YAML'
token_file: /etc/hookferry/token
journal: sqlite:/srv/second
on_journal_failure: stop
YAML
echo t0ken > token
cp token open
chmod 600 webhooks.json token

mkfifo /run/got
exec 3<>/run/got
python3 -c '
import http.server
class Target(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(500 if body == b"third" else 200)
        self.end_headers()
        print("got", self.path, body.decode(), file=open("/run/got", "w"), flush=True)
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.1", 3000), Target)
print("up", file=open("/run/got", "w"), flush=True)
server.serve_forever()
' &
read -r line <&3

program="--program /usr/local/bin/hookferry"
setpriv --reuid 65534 --clear-groups hookferry service install $program --config connector.yaml --token-file open
echo "as nobody: $?"
hookferry service install relay $program --webhooks webhooks.json
echo "relay: $?"
hookferry service install $program --token-file token
echo "connector: $?"
hookferry service install --name second $program --user daemon -- --status-listen 127.0.0.1:8431
echo "second: $?"
stat -c 'journal of %U' /srv/second/journal.db
hookferry service status
echo "status: $?"

post() { python3 -c 'import sys, urllib.request; urllib.request.urlopen("http://127.0.0.1:8420/webhook/orders", sys.argv[1].encode())' "$1"; }
log() { grep -m1 -F "$2" <(journalctl -f -n all -o cat -u "hookferry-$1"); }

post first
read -r line <&3; echo "target $line"
systemctl reload hookferry-connector
log connector '"event":"config.reloaded"'
systemctl stop hookferry-second

# Stopped by a signal it does not feed the watchdog any more.
mkdir /etc/systemd/system/hookferry-connector.service.d
printf '[Service]\\nWatchdogSec=2\\nRestartSec=0\\n' > /etc/systemd/system/hookferry-connector.service.d/fast.conf
systemctl daemon-reload
systemctl restart hookferry-connector
systemctl kill --signal=STOP --kill-whom=main hookferry-connector
post second
read -r line <&3; echo "target $line"
systemctl show -p NRestarts hookferry-connector
journalctl -o cat UNIT=hookferry-connector.service | grep -m1 -i watchdog

post third
log connector '"event":"delivery.retrying"'
systemctl stop hookferry-connector
systemctl show -p ExecMainStatus -p ActiveState hookferry-connector

for each in connector second relay; do
  hookferry service uninstall --name $each
  echo "uninstalled: $?"
done
ls /etc/systemd/system /etc/systemd/system/multi-user.target.wants | grep hookferry- | grep -v '\\.d$'
echo done
`;

const title =
  "under systemd connectors and a relay start, deliver, reload, are watched, and go without leftovers";
if (noOwnSystemd === undefined) {
  test(title, async (t) => {
    const { log, journal } = await runUnderSystemd(t, script);
    const lines = log.split("\n");
    const has = (line: string) => assert.ok(lines.includes(line), `${line}\n${log}\n${journal}`);
    has("as nobody: 1");
    assert.match(log, /cannot write .*hookferry-connector.service: EACCES.*; run it as root/);
    for (const each of ["relay", "connector", "second", "status"]) has(`${each}: 0`);
    assert.equal(lines.filter((line) => line.startsWith("running ")).length, 3);
    has("journal of daemon");
    has("target got /hooks first");
    assert.match(log, /"event":"config\.reloaded"/);
    has("target got /hooks second");
    has("NRestarts=1");
    // What it gave back is at the relay: a stop is no failure.
    has("ExecMainStatus=75");
    has("ActiveState=inactive");
    assert.match(log, /Watchdog timeout/);
    assert.equal(lines.filter((line) => line === "uninstalled: 0").length, 3);
    const last = lines.slice(lines.lastIndexOf("uninstalled: 0") + 1);
    assert.deepEqual(last, ["done", ""], "no unit is left");
    assert.doesNotMatch(journal, /systemd cannot be told|service_manager_failed|t0ken/);
  });
} else {
  skip(title, noOwnSystemd);
}
