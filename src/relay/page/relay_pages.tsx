/** @jsxImportSource hono/jsx */
import { type Context, Hono } from "hono";
import type { Clock } from "../../async/clock.ts";
import { assets } from "../../page/assets.ts";
import { gate } from "../../page/gate.tsx";
import { Layout, page } from "../../page/layout.tsx";
import { createLive } from "../../page/live.ts";
import { Account } from "../../page/parts.tsx";
import type { AddressSet } from "../../protocol/address_set.ts";
import { clientAddress } from "../ingest/client_address.ts";
import type { AskedFromHere } from "../asked_from_here.ts";
import type { RelayEnv } from "../relay_env.ts";
import { RelayOverview, relaySections, type RelayView } from "./relay_overview.tsx";

export interface RelayPages {
  readonly routes: Hono<RelayEnv>;
  /** Ends the streams to pages that are open. */
  close(): void;
}

/**
 * The page of a relay. It is on the port that the internet reaches: for this machine, and for whoever has signed in
 * with the admin token. To all others it is not there.
 */
export function relayPages(
  { view, adminToken, isHere, trustedProxies, clock }: {
    readonly view: () => RelayView;
    readonly adminToken: string | undefined;
    readonly isHere: AskedFromHere;
    readonly trustedProxies: AddressSet;
    readonly clock: Clock;
  },
): RelayPages {
  const app = new Hono<RelayEnv>();
  const guard = gate({
    clock,
    tokenNow: () => adminToken,
    where: () => "It is the relay's admin token, WEBHOOK_CONNECT_ADMIN_TOKEN.",
    clientOf: (c: Context<RelayEnv>) =>
      clientAddress(c.env.remoteAddress, c.req.header("x-forwarded-for") ?? null, trustedProxies),
  });
  const refresh = () =>
    Promise.all(view().channels.map(({ channel }) => channel.refresh("totals")));
  const live = createLive({ sections: () => relaySections(view()), refresh }, clock);
  const mayLook = (c: Context<RelayEnv>) => isHere(c) || guard.standing(c) === "in";

  app.route("/assets", assets);
  if (adminToken !== undefined) app.route("/-", guard.routes);
  app.get("/", async (c) => {
    if (!mayLook(c)) return c.notFound();
    await refresh();
    return page(
      c,
      <Layout
        title="Relay"
        live={live.run(false)}
        subtitle="relay"
        account={!isHere(c) && <Account standing={guard.standing(c)} open={false} path="/" />}
      >
        <main id="main" tabindex={-1}>
          <RelayOverview view={view()} />
        </main>
      </Layout>,
    );
  });
  app.get(
    "/live",
    (c) => mayLook(c) ? live.answer(c, { mayLook: () => mayLook(c) }) : c.notFound(),
  );
  return { routes: app, close: () => live.close() };
}
