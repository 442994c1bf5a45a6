import type { Context } from "hono";
import { isLocalHost } from "../config/host.ts";
import { addressSet } from "../protocol/address_set.ts";
import type { RelayEnv } from "./relay_env.ts";

const loopback = addressSet(["127.0.0.0/8", "::1"]);

/** Whether a program of this machine asks, for itself. */
export type AskedFromHere = (c: Context<RelayEnv>) => boolean;

/**
 * From this machine, passed on by no proxy, and no page of somewhere else that made this machine's address its own name.
 * `isBehindProxy`: nobody, since a proxy on this machine that says nothing of itself looks the same.
 */
export function askedFromHere(isBehindProxy: boolean): AskedFromHere {
  const passedOn = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
  return (c) =>
    !isBehindProxy && loopback.has(c.env.remoteAddress) &&
    passedOn.every((name) => c.req.header(name) === undefined) &&
    isLocalHost(c.req.header("host") ?? "");
}
