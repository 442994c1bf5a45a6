/** What we give to Prometheus and Grafana: the text of /metrics, alert rules, a dashboard. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../support/program.ts";
import { noPromtool, promtool } from "../support/promtool.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { skip, test, type TestContext } from "../support/test.ts";

const docs = join(import.meta.dirname ?? ".", "..", "..", "docs");
const read = (path: string) => readFileSync(join(docs, path), "utf8");

/** /metrics of a connector and of its relay, after a delivery. */
async function scrapeBoth(t: TestContext): Promise<{ connector: string; relay: string }> {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--to", target.url.href],
    ...["--journal", "memory", "--status-listen", "127.0.0.1:0", "--log-level", "debug"],
  ], { CONNECTOR_TOKEN: "s3cret" });
  const { url } = JSON.parse(await connector.line(/status\.listening/)) as { url: string };
  await connector.line(/stream\.connected/);
  await publish(relay, "{}");
  await connector.line(/settlement\.confirmed/);
  const scrape = async (origin: string) => await (await fetch(`${origin}/metrics`)).text();
  const texts = { connector: await scrape(url), relay: await scrape(relay.url) };
  connector.terminate();
  assert.equal(await connector.ended, 0);
  return texts;
}

/** Names of the series that a registry has, those of histograms included. */
function seriesOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = "", type]) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
    ),
  );
}

test("dashboard and alert rules name only metrics that connector or relay have", async (t) => {
  const { connector, relay } = await scrapeBoth(t);
  const series = new Set([...seriesOf(connector), ...seriesOf(relay)]);
  const dashboard = JSON.parse(read("grafana/hookferry.json")) as {
    panels: { title: string; targets?: { expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? []);
  const rules = [...read("prometheus/alerts.yml").matchAll(/expr: (.*)/g)].map(([, expr = ""]) =>
    expr
  );
  assert.ok(queries.length > 30 && rules.length >= 8);
  for (const query of [...queries, ...rules]) {
    const names = query.match(/\bhookferry_\w+/g) ?? [];
    assert.ok(names.length > 0, query);
    for (const name of names) assert.ok(series.has(name), `${name} in ${query}`);
  }
  // From one scrape to the next: a series that is not there before the first time has not grown by it.
  const grown = rules.flatMap((rule) => [...rule.matchAll(/increase\((hookferry_\w+)(\{.+?\})?/g)]);
  assert.ok(grown.length >= 6);
  const lines = `${connector}${relay}`.split("\n");
  for (const [one, name, labels = ""] of grown) {
    assert.ok(lines.some((line) => line.startsWith(name + labels) && line.endsWith(" 0")), one);
  }
});

/** Metrics that stand in the table of docs/OBSERVING.md below these words. */
function listedBelow(words: string): string[] {
  const [, below = ""] = read("OBSERVING.md").split(words);
  const [table = ""] = below.slice(below.indexOf("|")).split("\n\n");
  return [...table.matchAll(/`(hookferry_\w+)`/g)].map(([, name = ""]) => name);
}

test("what is said to be worth an alert has one, and what has one is said to be", () => {
  const rules = read("prometheus/alerts.yml");
  const listed = listedBelow("Worth an alert");
  assert.ok(listed.length > 10);
  assert.deepEqual(listed.filter((name) => !new RegExp(`expr: .*\\b${name}\\b`).test(rules)), []);
  const alerted = [...rules.matchAll(/expr: (.*)/g)].flatMap(([, expr]) =>
    expr?.match(/\bhookferry_\w+/g) ?? []
  );
  assert.deepEqual(alerted.filter((name) => !listed.includes(name)), []);
});

test("a connector that was never connected is told to be not, by its metric", async (t) => {
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", "http://127.0.0.1:1", "--channel", "dev", "--to", "1"],
    ...["--journal", "memory", "--status-listen", "127.0.0.1:0", "--protocol", "sse"],
  ], { CONNECTOR_TOKEN: "s3cret" });
  const { url } = JSON.parse(await connector.line(/status\.listening/)) as { url: string };
  await connector.line(/stream\.failed/);
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.match(text, /^hookferry_connected\{transport="sse"\} 0$/m);
});

const checked = "promtool finds nothing to complain of in /metrics of connector and relay";
const shown = "the dashboard says connected only where each connection of a connector is";
const ruled = "each alert is told when it should be, and not when all is well";
if (noPromtool === undefined) {
  test(checked, async (t) => {
    const unhappy = promtool(["check", "metrics"], "# HELP a A.\n# TYPE a counter\na 1\n");
    assert.match(unhappy.says, /_total/, "it reads what it is given");
    const { connector, relay } = await scrapeBoth(t);
    for (const text of [connector, relay]) {
      const { ok, says } = promtool(["check", "metrics"], text);
      assert.ok(ok && says === "", says);
    }
  });
  test(shown, (t) => {
    const dashboard = JSON.parse(read("grafana/hookferry.json")) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const expr = dashboard.panels.find(({ title }) => title === "Connected")?.targets?.[0]?.expr;
    assert.ok(expr);
    const series = (labels: string, values: string) => ({
      series: `hookferry_connected{${labels}}`,
      values,
    });
    const tests = {
      evaluation_interval: "1m",
      tests: [{
        input_series: [
          series('instance="a",connection="east",transport="websocket"', "1x5"),
          series('instance="a",connection="west",transport="websocket"', "1x5"),
          series('instance="b",connection="east",transport="websocket"', "1x5"),
          series('instance="b",connection="west",transport="sse"', "0x5"),
          // One that has come down to another transport.
          series('instance="c",transport="websocket"', "0x5"),
          series('instance="c",transport="sse"', "1x5"),
        ],
        promql_expr_test: [{
          expr: expr.replace("$connector", ".*"),
          eval_time: "3m",
          exp_samples: Object.entries({ a: 1, b: 0, c: 1 }).map(([instance, value]) => ({
            labels: `{instance="${instance}"}`,
            value,
          })),
        }],
      }],
    };
    const file = join(t.folder(), "tests.yml");
    writeFileSync(file, JSON.stringify(tests)); // which is YAML, too
    const { ok, says } = promtool(["test", "rules", file]);
    assert.ok(ok, says);
  });
  test(ruled, () => {
    const { ok, says } = promtool(["test", "rules", join(docs, "prometheus/alerts_test.yml")]);
    assert.ok(ok, says);
    const rules = [...read("prometheus/alerts.yml").matchAll(/alert: (\w+)/g)].map(([, name]) =>
      name
    );
    const tests = read("prometheus/alerts_test.yml");
    assert.deepEqual(rules.filter((name) => !tests.includes(`alertname: ${name}\n`)), []);
  });
} else {
  skip(checked, noPromtool);
  skip(shown, noPromtool);
  skip(ruled, noPromtool);
}
