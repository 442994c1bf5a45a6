/** /readyz after a target has failed and nothing more comes for it. */
import assert from "node:assert/strict";
import { ManualClock } from "../support/manual_clock.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

for (
  const [breakerIs, consecutive_failures] of [["closed", 0], ["half open", 3]] as const
) {
  test(`a connector whose target failed and gets nothing more is ready again by itself: breaker ${breakerIs}`, async (t) => {
    const clock = new ManualClock();
    const target = await startTarget(t, () => 503);
    // Its time stands still: what is given back does not come again.
    const relay = await startDevRelay(t, {}, { clock: new ManualClock() });
    const given = settings(relay.url, target.url, "websocket", {
      on_exhausted: "dead_letter",
      heartbeat_timeout: 3_600,
      default_target: {
        retry_enabled: false,
        breaker: { consecutive_failures, open_seconds: 5 },
      },
    });
    const { url } = await startWatchedConnector(t, given, { clock });
    const readyz = async () => {
      const response = await fetch(`${url}/readyz`);
      const { parts } = await response.json() as { parts: { name: string; detail: string }[] };
      return `${response.status} ${parts.find(({ name }) => name === "target default")?.detail}`;
    };
    const until = async (expected: RegExp) => {
      for (let looks = 1;; looks++) {
        const said = await readyz();
        if (expected.test(said)) return;
        if (looks === 300) assert.match(said, expected);
      }
    };
    for (let n = 0; n < 3; n++) await publish(relay, String(n));
    await until(/^503 3 failures in a row.*: the target answered 503/);
    await clock.advance(60_000);
    assert.match(await readyz(), /^503 /, "it may come again in a moment");
    await clock.advance(60_000);
    const open = breakerIs === "closed" ? "" : `, its breaker is ${breakerIs}`;
    await until(
      new RegExp(`^200 not tried since: 3 failures in a row${open}: the target answered 503`),
    );
    await publish(relay, "one more");
    await until(/^503 4 failures in a row/);
  });
}
