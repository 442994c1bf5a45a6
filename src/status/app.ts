/** The status server's routes. What they show comes from the folds over the events. */
import { Hono } from "hono";
import { isLocalHost } from "../config/host.ts";
import { failed } from "./failed.ts";

/** What `/readyz` says beside its status. */
export interface ReadinessText {
  readonly ready: boolean;
  readonly readyConnections: number;
  readonly connectorId: string;
  readonly parts: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly detail: string;
  }[];
}

export interface StatusSource {
  /** Plain JSON, no secrets, no payloads. */
  status(): Record<string, unknown>;
  readiness(): ReadinessText;
  metrics(): Promise<string>;
}

/** Content type of Prometheus' text format, version 0.0.4. */
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * `/healthz` and `/livez`: the process answers. `/readyz`: 200 when webhooks can arrive, else 503, with the
 * reason of each part. `/status`: JSON. `/metrics`: Prometheus text. With `onLoopback` only requests whose Host is
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
    const readiness = source.readiness();
    const status = readiness.ready ? 200 : 503;
    return c.json({ status, ...readiness }, status);
  });
  app.get("/status", (c) => c.json(source.status()));
  app.get(
    "/metrics",
    async (c) => c.body(await source.metrics(), 200, { "Content-Type": metricsType }),
  );
  // Before the control routes: people sign in there, where programs show their token.
  if (pages) app.route("/", pages);
  if (control) app.route("/-", control);
  app.onError(failed);
  app.notFound((c) => c.json({ detail: "try /healthz, /readyz, /status or /metrics" }, 404));
  return app;
}
