import type { ServeOptions, Server } from "./serve.ts";

/** One listening socket. */
export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Takes no new connections; resolves when those that are open have ended. */
  retire(): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

/** How often, and after how many milliseconds, a port that was just given up is tried again. */
const relistenTries = 250;
const relistenMs = 20;

/** A server whose certificate can be renewed: another socket listens on the same port. */
export async function renewable(
  listen: (options: ServeOptions) => Promise<Listener>,
  options: ServeOptions,
): Promise<Server> {
  let current = await listen(options);
  const { url, port } = current;
  const open = new Set([current]);
  let isStopped = false;
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
}
