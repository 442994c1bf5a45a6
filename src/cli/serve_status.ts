import { systemClock } from "../async/clock.ts";
import { isLoopback } from "../config/host.ts";
import type { Values } from "../config/merge.ts";
import type { Settings } from "../config/settings.ts";
import type { Observe } from "../observe/events.ts";
import { controlRoutes, type Reload } from "../status/control.ts";
import { connectorPages } from "../status/pages.tsx";
import { startStatusServer } from "../status/server.ts";
import { pageSource } from "./connector_page.ts";
import type { Fleet } from "./fleet.ts";
import { fleetControl, fleetStatus } from "./fleet_status.ts";
import { statusTokenFile, writeStatusToken } from "./status_token.ts";

/** Starts the status server, where there is to be one; the result ends it. */
export async function serveStatus(
  settings: Settings,
  values: Values,
  { fleet, observe, reload }: {
    readonly fleet: Fleet;
    readonly observe: Observe;
    readonly reload: Reload;
  },
): Promise<() => Promise<void>> {
  const { statusListen, statusToken } = settings;
  if (!statusListen) return () => Promise.resolve();
  let token = statusToken?.reveal();
  let { port } = statusListen;
  let removeToken = () => {};
  try {
    const tokenNow = () => token;
    const control = controlRoutes(fleetControl(fleet), tokenNow, reload);
    const where = () =>
      statusToken
        ? "It is the setting status_token of this connector."
        : token === undefined
        ? "Set status_token."
        : `The connector made it for its user on this machine: ${statusTokenFile(port)}`;
    const one = fleet.members.get("");
    const pages = one &&
      connectorPages(pageSource(() => one.running.settings, one.running, one.watch), {
        clock: systemClock,
        tokenNow,
        where,
      });
    const server = await startStatusServer(statusListen, fleetStatus(fleet), {
      control,
      ...(pages && { pages }),
    });
    port = Number(new URL(server.url).port);
    observe({ type: "status.listening", url: server.url });
    if (token === undefined && isLoopback(statusListen.hostname)) makeToken();
    return async () => {
      removeToken();
      await server.close();
    };
  } catch (error) {
    // A second connector on this machine: nobody asked for that port.
    if (values.origin("status_listen")?.origin !== "default") throw error;
    const message = error instanceof Error ? error.message : String(error);
    observe({ type: "status.unavailable", message: `${message}; set status_listen` });
    return () => Promise.resolve();
  }

  /** For the commands of the same user on this machine. */
  function makeToken(): void {
    try {
      const made = writeStatusToken(port);
      token = made.token;
      removeToken = made.remove;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `pause, resume and dead-letters are off: no token can be kept: ${why}; ` +
        "set status_token";
      observe({ type: "config.warning", message });
    }
  }
}
