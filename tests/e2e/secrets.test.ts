/** Marked secrets go through relay and connector, in success and failure, at level debug: none of them comes out. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { githubSignature } from "../../src/protocol/signatures.ts";
import { startHttpServer } from "../support/http_server.ts";
import { type Program, startProgram } from "../support/program.ts";
import { startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

const mark = (name: string) => `marked-${name}-5f0c9e`;
/** Ours: in no output and no file but where the operator wrote them. */
const own = {
  token: mark("channel-token"),
  admin: mark("admin-token"),
  status: mark("status-token"),
  signing: mark("signing-secret"),
  targetKey: mark("target-key"),
  wrongToken: mark("wrong-token"),
  stale: mark("stale-token"),
};
/** The sender's: in the request to the target, and in the stores until it is delivered. */
const senders = {
  authorization: mark("senders-authorization"),
  cookie: mark("senders-cookie"),
  apiKey: mark("senders-api-key"),
  query: mark("senders-query-token"),
  body: mark("senders-body"),
};
/** The target's own. */
const targets = { cookie: mark("targets-cookie"), answer: mark("targets-answer") };
const everySecret = Object.values({ ...own, ...senders, ...targets });

interface Output {
  readonly from: string;
  readonly text: string;
}

function assertNone(outputs: readonly Output[], secrets: readonly string[]): void {
  const found = outputs.flatMap(({ from, text }) =>
    secrets.flatMap((secret) =>
      [
        secret,
        Buffer.from(secret).toString("base64").replace(/=+$/, ""),
        encodeURIComponent(secret),
      ]
        .filter((spelling) => text.includes(spelling))
        .map((spelling) => `${from}: ${secret}: ${contextOf(text, spelling)}`)
    )
  );
  assert.deepEqual(found, []);
}

function contextOf(text: string, found: string): string {
  const at = text.indexOf(found);
  return text.slice(Math.max(0, at - 120), at + found.length + 20);
}

function outputsOf(from: string, program: Program): Output[] {
  return [
    { from: `${from}, stdout`, text: program.stdout.join("\n") },
    { from: `${from}, stderr`, text: program.stderr.join("\n") },
  ];
}

for (const format of ["json", "human"] as const) {
  test(`secrets stay where they belong: outputs, pages, metrics, traces, files; log as ${format}`, async (t) => {
    const outputs: Output[] = [];
    const folder = t.folder();
    const traces: string[] = [];
    const collector = await startHttpServer(t, (request, response) => {
      request.on("data", (chunk) => traces.push(chunk.toString("latin1")));
      request.on("end", () => response.end("{}"));
    });
    const target = await startTarget(t, (_, got, response) => {
      response.setHeader("Set-Cookie", `session=${targets.cookie}`);
      const isFirst = got.headers["x-webhook-attempt"] === "1";
      if (got.url.includes("/later") && isFirst) return 500;
      if (!got.url.includes("/refuse")) return 200;
      response.writeHead(422).write(targets.answer);
      return 422;
    });
    const webhooks = join(folder, "webhooks.json");
    const entry = {
      ...{ module: "webhook_connect", channel: "dev", channel_token: own.token },
      verify: { type: "github", secret: own.signing },
    };
    writeFileSync(webhooks, JSON.stringify({ hook: entry }), { mode: 0o600 });
    const config = join(folder, "connector.json");
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "20",
      XDG_STATE_HOME: join(folder, "state"),
    };
    const debug = ["--log-level", "debug", "--log-format", format];
    const relay = startProgram(t, [
      ...[
        "relay",
        "--listen",
        "127.0.0.1:0",
        "--webhooks",
        webhooks,
        "--data",
        join(folder, "relay"),
      ],
      ...debug,
    ], { ...env, WEBHOOK_CONNECT_ADMIN_TOKEN: own.admin });
    const relayUrl = new URL((await relay.line(/^post to/)).split(/\s+/)[2] ?? "").origin;
    writeFileSync(
      config,
      JSON.stringify({
        ...{ cloud_url: relayUrl, channel: "dev", token: own.token, status_listen: "127.0.0.1:0" },
        ...{ status_token: own.status, inspect: true, log_payload: format === "json" },
        default_target: {
          url: target.url.href,
          headers: { Authorization: `Bearer ${own.targetKey}` },
          retry_delay_seconds: 0.01,
        },
      }),
      { mode: 0o600 },
    );
    const connector = startProgram(t, ["connect", "--config", config, ...debug], env);
    const listening = await connector.line(/status\.listening/);
    const statusUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(listening)?.[0] ?? "";
    await connector.line(/stream\.connected/);

    const post = (path: string, signed = true) => {
      const body = JSON.stringify({ password: senders.body });
      return ask("POST", `${relayUrl}/webhook/hook${path}?token=${senders.query}`, {
        "Authorization": `Bearer ${senders.authorization}`,
        "Cookie": `session=${senders.cookie}`,
        "X-Api-Key": senders.apiKey,
        "X-Hub-Signature-256": signed ? githubSignature(body, own.signing) : "sha256=0",
      }, body);
    };
    const keep = async (from: string, answer: Promise<string>) =>
      outputs.push({ from, text: await answer });

    await keep("a webhook", post("/ok"));
    await keep("a webhook that is tried again", post("/later"));
    await keep("a webhook that is refused by its target", post("/refuse"));
    await keep("a webhook with a wrong signature", post("/ok", false));
    await connector.line(/delivery\.failed/);
    await connector.line(/settlement\.confirmed/, 3);
    assert.equal(
      target.got.at(0)?.headers.authorization,
      `Bearer ${own.targetKey}`,
      "it was there",
    );
    assert.ok(
      JSON.stringify(target.got.map(({ url, headers }) => [url, headers])).includes(senders.cookie),
    );

    for (
      const path of [
        "/",
        "/status",
        "/metrics",
        "/readyz",
        "/healthz",
        "/nope",
        "/-/session",
        "/-/dead-letters",
      ]
    ) {
      await keep(`status ${path}`, ask("GET", statusUrl + path));
    }
    const bearer = { Authorization: `Bearer ${own.status}` };
    await keep("the list of dead letters", ask("GET", `${statusUrl}/-/dead-letters`, bearer));
    await keep(
      "a wrong status token",
      ask("POST", `${statusUrl}/-/pause`, { Authorization: `Bearer ${own.stale}` }),
    );
    const wrong = `token=${own.stale}`;
    await keep("a wrong sign-in", ask("POST", `${statusUrl}/-/session`, formOf(statusUrl), wrong));
    const cookie = await signIn(statusUrl, own.status);
    const page = await ask("GET", statusUrl, { Cookie: cookie });
    outputs.push({ from: "the page, signed in", text: page });
    // What a message holds is shown to who has signed in, without what inspect_redact names; the rest of a body is.
    const inspected: Output[] = [];
    for (const [, path = ""] of page.matchAll(/href="(\/messages\/[^"]+)"/g)) {
      inspected.push({ from: path, text: await ask("GET", statusUrl + path, { Cookie: cookie }) });
    }
    assert.ok(inspected.length >= 3, "messages are listed");
    const admin = { Authorization: `Bearer ${own.admin}` };
    const base = "/admin/webhook-connect";
    for (
      const path of [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/nope",
        "/connect/stream/dev/sse",
        `${base}/channels`,
      ]
    ) {
      await keep(
        `relay ${path}`,
        ask("GET", relayUrl + path, { Authorization: `Bearer ${own.stale}` }),
      );
    }
    for (const path of ["/overview", "/channels", "/channels/dev", "/channels/dev/stats"]) {
      await keep(`relay ${path}`, ask("GET", relayUrl + base + path, admin));
    }

    const run = async (args: string[], more: Record<string, string> = {}) => {
      const program = startProgram(t, args, { ...env, ...more });
      await program.ended;
      outputs.push(...outputsOf(args.join(" "), program));
    };
    const listen = ["--status-listen", new URL(statusUrl).host];
    await run(["config", "show", "--config", config]);
    await run(["config", "check", "--config", config]);
    await run(["status", "--config", config, ...listen]);
    await run(["dead-letters", "list", "--config", config, ...listen]);
    const broken = join(folder, "broken.json");
    writeFileSync(
      broken,
      JSON.stringify({
        token: own.stale,
        channel: "../x",
        status_token: own.status,
        cloud_url: `https://u:${own.stale}@relay.example`,
        protocol: 7,
      }),
    );
    await run(["config", "check", "--config", broken]);
    writeFileSync(broken, `{ "token": "${own.stale}" oops`);
    await run(["connect", "--config", broken]);
    await run([
      "connect",
      "--config",
      config,
      "--exit-on-auth-failure",
      "--status-listen",
      "off",
      ...debug,
    ], { CONNECTOR_TOKEN: own.wrongToken });
    await run(["connect", "--from", "-", `hookferry+http://dev:${own.stale}@127.0.0.1:1`]);

    connector.terminate();
    await connector.ended;
    relay.terminate();
    await relay.ended;
    // With log_payload the log has the beginning of a body: the operator asked for it.
    const asked = format === "json" ? [senders.body] : [];
    assertNone(
      outputsOf("connector", connector),
      everySecret.filter((one) => !asked.includes(one)),
    );
    outputs.push(...outputsOf("relay", relay));
    outputs.push({ from: "traces", text: traces.join("") });
    assert.ok(traces.length > 0, "there are traces");
    assertNone(outputs, everySecret);
    assertNone(
      inspected,
      everySecret.filter((secret) => ![senders.body, targets.answer].includes(secret)),
    );
    const files = filesBelow(folder).filter((path) => ![config, webhooks, broken].includes(path));
    assert.ok(files.some((path) => path.includes("relay.db")), files.join(", "));
    for (const path of files) {
      assertNone([{ from: path, text: readFileSync(path, "latin1") }], Object.values(own));
      assert.equal(statSync(path).mode & 0o077, 0, `${path} is for its owner alone`);
    }
  });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

const formOf = (url: string) => ({
  "Content-Type": "application/x-www-form-urlencoded",
  "Origin": url,
  "Sec-Fetch-Site": "same-origin",
});

/** Head and body, as text; the request's own headers are not in it. */
function ask(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<string> {
  return new Promise((resolve, reject) => {
    http.request(url, { method, headers, agent: false }, (response) => {
      let text = `${response.statusCode} ${response.rawHeaders.join(" ")}\n`;
      response.on("data", (chunk) => text += chunk).on("end", () => resolve(text));
      response.on("error", reject);
    }).on("error", reject).end(body);
  });
}

async function signIn(url: string, token: string): Promise<string> {
  const answer = await ask("POST", `${url}/-/session`, formOf(url), `token=${token}`);
  const cookie = /set-cookie ([^;]+)/i.exec(answer)?.[1];
  assert.ok(cookie, answer.slice(0, 300));
  return cookie;
}
