/** The status server's routes. What they show comes from the folds over the events. */
import { Hono } from "hono";

/** One thing that must work for webhooks to arrive. */
export interface ReadinessPart {
  readonly name: string;
  readonly ready: boolean;
  /** Why not, or what it is connected to, for people. */
  readonly detail: string;
}

export interface StatusSource {
  /** Plain JSON, no secrets, no payloads. */
  status(): Record<string, unknown>;
  readiness(): readonly ReadinessPart[];
  metrics(): Promise<string>;
}

/** Content type of Prometheus' text format, version 0.0.4. */
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * `/healthz` and `/livez`: the process answers. `/readyz`: 200 when every part is ready, else 503, with each
 * part's reason. `/status`: JSON. `/metrics`: Prometheus text. With `onLoopback` only requests whose Host is
 * this machine are answered, so that a web page cannot read it by rebinding a name.
 */
export function statusApp(
  source: StatusSource,
  { onLoopback, control, pages }: {
    readonly onLoopback: boolean;
    /** What is served below `/-/`. */
    readonly control?: Hono | undefined;
    /** For people: served at `/` and below. */
    readonly pages?: Hono | undefined;
  },
): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    if (onLoopback && !isLocalHost(c.req.header("host") ?? "")) {
      return c.json({ detail: "this server answers only for localhost" }, 421);
    }
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });
  for (const path of ["/healthz", "/livez"]) app.get(path, (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const parts = source.readiness();
    const ready = parts.every((part) => part.ready);
    return c.json({ ready, parts }, ready ? 200 : 503);
  });
  app.get("/status", (c) => c.json(source.status()));
  app.get(
    "/metrics",
    async (c) => c.body(await source.metrics(), 200, { "Content-Type": metricsType }),
  );
  // Before the control routes: people sign in there, where programs show their token.
  if (pages) app.route("/", pages);
  if (control) app.route("/-", control);
  app.notFound((c) => c.json({ detail: "try /healthz, /readyz, /status or /metrics" }, 404));
  return app;
}

function isLocalHost(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host);
}
