/** Which proxy leads to a server: the one that is set, or the one of the usual variables. */
import { isIP } from "node:net";
import { addressSet } from "../protocol/address_set.ts";
import type { Report } from "./config_error.ts";
import { bareHost, isLoopback, portOf } from "./host.ts";

export interface ProxyChoice {
  /** With user and password where they were given; undefined = directly. */
  readonly proxy: URL | undefined;
  /** Why, for people. */
  readonly proxyReason: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export const proxyRule = "http://[USER:PASSWORD@]HOST:PORT, the same with https, or none";

/**
 * `given` is a proxy's URL or "none"; without it the variables count, in small letters before capitals:
 * HTTPS_PROXY or HTTP_PROXY by the URL's scheme, then ALL_PROXY, unless NO_PROXY names the host. This machine is
 * reached through a proxy only where it is given. A text is what is wrong.
 */
export function chooseProxy(url: URL, given: string | undefined, env: Env): ProxyChoice | string {
  const direct = (proxyReason: string) => ({ proxy: undefined, proxyReason });
  if (given === "none") return direct("proxy is none");
  if (given !== undefined) {
    const proxy = parseProxy(given);
    return proxy
      ? { proxy, proxyReason: "set by proxy" }
      : `its value is no proxy that can be used here: use ${proxyRule}`;
  }
  if (isLoopback(url.hostname)) return direct("on this machine");
  const found = variable(env, url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ??
    variable(env, "ALL_PROXY");
  if (!found) return direct("no proxy is set");
  const exempt = variable(env, "NO_PROXY");
  if (exempt && isExempt(url, exempt.value)) return direct(`${exempt.name} names it`);
  const proxy = parseProxy(found.value);
  if (proxy) return { proxy, proxyReason: `${found.name} is set` };
  return `the value of ${found.name} is no proxy that can be used here: use ${proxyRule}, or set proxy to none`;
}

/** The same for the settings: undefined when it is reported. `name` is the setting's. */
export function readProxy(
  url: URL,
  given: string | undefined,
  env: Env,
  name: string,
  report: Report,
): ProxyChoice | undefined {
  const choice = chooseProxy(url, given, env);
  if (typeof choice === "object") return choice;
  report(`${name}: ${choice}`);
  return undefined;
}

function variable(env: Env, name: string): { name: string; value: string } | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    // Where a web server starts programs, a request's Proxy header arrives as HTTP_PROXY.
    if (spelling === "HTTP_PROXY" && env["REQUEST_METHOD"]) continue;
    const value = env[spelling]?.trim();
    if (value) return { name: spelling, value };
  }
  return undefined;
}

/** "host:port" means http. Port 80 or 443 where none is said. */
function parseProxy(given: string): URL | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "") return undefined;
  if (url.pathname !== "/" || url.search || url.hash || !hasReadableUser(url)) return undefined;
  return url;
}

function hasReadableUser({ username, password }: URL): boolean {
  try {
    return !/\p{Cc}/u.test(decodeURIComponent(username + password));
  } catch {
    return false;
  }
}

/** NO_PROXY: `*`, hosts with all below them, addresses, networks as 10.0.0.0/8, each with a port where only that is meant. */
function isExempt(url: URL, list: string): boolean {
  const host = bareHost(url.hostname);
  const port = String(portOf(url));
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === "") return false;
    if (entry === "*") return true;
    const [, bracketed, plain, wanted] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ??
      [undefined, entry];
    if (wanted !== undefined && wanted !== port) return false;
    const name = (bracketed ?? plain ?? "").replace(/^\*?\./, "").toLowerCase();
    return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)) ||
      inNetwork(host, name);
  });
}

function inNetwork(host: string, network: string): boolean {
  try {
    return addressSet([network]).has(host);
  } catch {
    return false; // it is a name
  }
}
