/** What an operator writes: files, variables, flags, and the small languages in them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseChaos } from "../../src/chaos/chaos_text.ts";
import { connectString, parseConnectString } from "../../src/cli/connect_string.ts";
import { parseDuration } from "../../src/cli/duration.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { chooseProxy } from "../../src/config/proxy.ts";
import { parseTargetUrl } from "../../src/config/target_url.ts";
import { parseListen } from "../../src/config/listen_address.ts";
import { loadSettings } from "../../src/config/load.ts";
import { envName, options } from "../../src/config/options.ts";
import { isChannelName } from "../../src/protocol/channel_name.ts";
import { streamPath } from "../../src/protocol/wire.ts";
import { readWebhooksFile } from "../../src/relay/webhooks_file.ts";
import { fuzzTarget, near, nearObject } from "./target.ts";

const marker = "marker-7c1f";
const values = [
  ..."https://relay.example|http://127.0.0.1|dev|true|false|0|1|-1|1e9|1e309|60|auto|sse|none"
    .split("|"),
  ..."key:/a|all|json|debug|sqlite:/x|memory|off|127.0.0.1:0|[::1]:8421|x".split("|"),
];
const given = fc.oneof(near(values), fc.jsonValue(), fc.double());
const target = nearObject({
  url: near(["http://127.0.0.1:1/x", "https://t.example", "ftp://x", "http://u:p@h/"]),
  method: near(["POST", "get"]),
  headers: fc.dictionary(near(["X-A", "a\r\nb"]), near(["x", "\r\n"]), { maxKeys: 3 }),
  timeout_seconds: fc.double(),
  retry_max_attempts: fc.double(),
});
const optionKeys = options.map(({ key }) => key).filter((key) => !/_(path|file)$/.test(key));
const file = fc.dictionary(fc.constantFrom(...optionKeys, "targets", "nonsense"), given, {
  maxKeys: 6,
});

const config = fuzzTarget(
  "config",
  fc.record({
    file: fc.option(
      fc.tuple(
        file,
        fc.option(target),
        fc.option(fc.dictionary(near(["hook"]), target, { maxKeys: 2 })),
      )
        .map(([content, default_target, targets]) => ({ ...content, default_target, targets })),
    ),
    env: fc.dictionary(
      fc.constantFrom(...options.map(envName).filter((name) => !/_(PATH|FILE)$/.test(name))),
      near(values),
      { maxKeys: 4 },
    ),
    flags: fc.dictionary(fc.constantFrom(...optionKeys), near(values), { maxKeys: 4 }),
    isComplete: fc.boolean(),
  }),
  ({ file, env, flags, isComplete }) => {
    const rest = isComplete
      ? { cloud_url: "https://relay.example", channel: "dev", target_url: "http://127.0.0.1:1/" }
      : {};
    const content = { ...file, ...rest, token: marker };
    try {
      const { settings, warnings } = loadSettings({
        file: { path: "/x.json", content },
        env,
        flags,
      });
      assert.match(settings.source.url.protocol, /^https?:$/);
      assert.ok(isChannelName(settings.source.channel));
      assertTame(settings.delivery);
      assert.ok(!JSON.stringify(warnings).includes(marker));
      assert.ok(!JSON.stringify(settings).includes(marker), "the token is shown");
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      assert.ok(!error.message.includes(marker), error.message);
      assert.notEqual(error.message, "");
    }
  },
);

function assertTame(numbers: object): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (typeof value === "number") {
      assert.ok(value >= 0 && Number.isFinite(value), `${name} ${value}`);
    }
  }
}

const webhooksFile = fuzzTarget(
  "webhooks_file",
  fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.dictionary(
      near(["hook"]),
      nearObject({
        module: near(["webhook_connect"]),
        channel: near(["dev", "../x"]),
        channel_token: near([marker]),
        ttl_seconds: fc.double(),
        max_queue_size: fc.double(),
        ordering: near(["none", "key:/a"]),
        hmac: nearObject({ secret: near([marker]), header: near(["x"]) }),
        ip_whitelist: fc.array(near(["10.0.0.0/8"])),
      }),
      { maxKeys: 3 },
    ).map((value) => JSON.stringify(value)),
  ),
  (text) => {
    try {
      for (const { name } of readWebhooksFile(text).channels) {
        assert.ok(isChannelName(name));
      }
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
    }
  },
);

const smallTexts = fuzzTarget(
  "small_texts",
  near([
    ..."90|s|ms|1.5h|10m|1e9|d|127.0.0.1:80|[::1]:80|:|99999|drop-acks=0.1|delay=50ms|seed=1|,|=|__proto__"
      .split("|"),
    ..."hookferry+https://dev:tok@relay.example/x|hookferry+http://|%|%zz|@|..|dev|/|é".split("|"),
  ]),
  (text) => {
    const ms = parseDuration(text);
    assert.ok(ms === undefined || ms > 0);
    const address = parseListen(text);
    if (address) assert.ok(address.port >= 0 && address.port <= 65_535);
    parseChaos(text, 1);
    const parsed = parseConnectString(text);
    if (parsed) assert.deepEqual(parseConnectString(connectString(parsed)), parsed);
    if (isChannelName(text)) {
      assert.match(streamPath(text, "/sse"), /^\/connect\/stream\/[\w.-]+\/sse$/);
    } else assert.throws(() => streamPath(text, ""), RangeError);
  },
);

const placeTexts = near([
  ..."http://|https://|unix:|/run/app.sock|:/|user:pw@|%zz|%0d@|t.example|127.0.0.1|[::1]|:80"
    .split("|"),
  ..."none|*|,|.example|socks5://|10.0.0.0/8|\0|/|?|#".split("|"),
]);

const places = fuzzTarget(
  "places",
  fc.record({ text: placeTexts, exempt: placeTexts, isGiven: fc.boolean() }),
  ({ text, exempt, isGiven }) => {
    const place = parseTargetUrl(text);
    if (place) assert.match(place.url.protocol, /^https?:$/);
    if (place?.socketPath !== undefined) assert.match(place.socketPath, /^\/[^\0:]+$/);
    const env = { HTTPS_PROXY: text, NO_PROXY: exempt };
    const choice = chooseProxy(new URL("https://t.example/"), isGiven ? text : undefined, env);
    // What is wrong is told without the text, which may hold a password.
    if (typeof choice === "string") assert.ok(text.length < 8 || !choice.includes(text), choice);
    else if (choice.proxy) assert.match(choice.proxy.protocol, /^https?:$/);
  },
);

export const settingsTargets = [config, webhooksFile, smallTexts, places];
