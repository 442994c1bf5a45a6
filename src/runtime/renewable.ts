import type { ServeOptions, Server } from "./serve.ts";

/** One listening socket. */
export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Resolves when it takes no new connections any more, and nobody has asked for that. */
  readonly failed: Promise<void>;
  /** Takes no new connections; resolves when those that are open have ended. */
  retire(): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

/** How often, and after how many milliseconds, a port that was just given up is tried again. */
const relistenTries = 250;
const relistenMs = 20;

/** After a listener has failed: between attempts to have another one, milliseconds. */
const afterFailureMs = 100;

/**
 * A server whose certificate can be renewed, and whose listener may fail: another one listens on the same port then. What is
 * open goes on.
 */
export async function renewable(
  listen: (options: ServeOptions) => Promise<Listener>,
  options: ServeOptions,
): Promise<Server> {
  let current = await listen(options);
  const { url, port } = current;
  const open = new Set([current]);
  let isStopped = false;
  let certificate = options.tls;
  void replaceWhenFailed(current);
  return {
    url,
    async renew(tls) {
      // On any free port: what the runtime does not take must not cost the one that is served.
      const trial = await listen({ ...options, port: 0, tls });
      await trial.retire();
      if (isStopped) return;
      const old = current;
      void old.retire().then(() => open.delete(old));
      for (let left = relistenTries;; left--) {
        try {
          current = await listen({ ...options, port, tls });
          certificate = tls;
          void replaceWhenFailed(current);
          break;
        } catch (error) {
          if (left === 0 || isStopped) throw error;
          await new Promise((resolve) => setTimeout(resolve, relistenMs));
        }
      }
      open.add(current);
      if (isStopped) await current.retire();
    },
    async stop(graceMs) {
      isStopped = true;
      await Promise.all([...open].map((listener) => listener.stop(graceMs)));
    },
  };

  async function replaceWhenFailed(listener: Listener): Promise<void> {
    await listener.failed;
    // What keeps the port from being had is mostly what the other one has failed of: too many open files.
    while (!isStopped && current === listener) {
      try {
        const next = await listen({ ...options, port, tls: certificate });
        if (isStopped || current !== listener) return await next.retire();
        current = next;
        open.add(next);
        void replaceWhenFailed(next);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, afterFailureMs));
      }
    }
  }
}
