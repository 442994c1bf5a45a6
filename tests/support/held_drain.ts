import { startFront } from "./front.ts";
import { startDevRelay, startTarget } from "./rig.ts";
import type { TestContext } from "./test.ts";

/** A connector drains as long as the test wants: its target answers when it is let, and that it drains is seen. */
export async function startHeldDrain(t: TestContext) {
  const relay = await startDevRelay(t);
  const drained = Promise.withResolvers<void>();
  const front = await startFront(t, relay.url, (path) => {
    if (path.startsWith("/connect/drain")) drained.resolve();
    return false;
  });
  const held = Promise.withResolvers<void>();
  t.defer(() => held.resolve());
  const target = await startTarget(t, () => held.promise.then(() => 200));
  return {
    relay,
    target,
    /** Settings with which its connector says over HTTP that it drains. */
    settings: { cloud_url: front, protocol: "sse", default_target: { url: target.url.href } },
    /** Resolves when it has said so. */
    drained: drained.promise,
    release: () => held.resolve(),
  };
}
