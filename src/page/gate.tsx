/** @jsxImportSource hono/jsx */
import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Clock } from "../async/clock.ts";
import { sameText } from "../protocol/signatures.ts";
import { Layout, page } from "./layout.tsx";
import { limitedBody } from "./limited_body.ts";
import { sessionMs, Sessions } from "./sessions.ts";
import { WrongTokens } from "./wrong_tokens.ts";

/** Who may do more than look. */
export interface Gate {
  /** `GET` and `POST /session` to sign in, and go on `to` a path; `POST /session/end` to sign out. */
  readonly routes: Hono;
  /** `off`: there is no token, nobody can. */
  standing(c: Context): "in" | "out" | "off";
  /** The answer to a form that must not be obeyed: sent by another site, or by somebody who has not signed in. */
  refusal(c: Context): Response | undefined;
}

export interface GateOptions {
  readonly clock: Clock;
  readonly tokenNow: () => string | undefined;
  /** What the token is called and where it is found. */
  readonly where: () => string;
  /** Everybody who reaches this server may do everything: for one that lives as long as its terminal. */
  readonly open?: boolean;
  /** The address of whoever asks; by itself that of the peer. */
  readonly clientOf?: (c: Context) => string;
}

/** What a body says that cannot be read as a form. */
const noForm: Record<string, undefined> = {};

/**
 * A sign-in for people: the token once, then a cookie with a random id that scripts cannot read and other sites
 * cannot send. Forms count only from our own pages.
 */
export function gate(
  { clock, tokenNow, where, open = false, clientOf = peerOf }: GateOptions,
): Gate {
  const sessions = new Sessions(clock);
  const wrong = new WrongTokens(clock);
  const routes = new Hono();

  routes.get("/session", (c) => signInPage(c, 200, c.req.query("to")));
  routes.post("/session", limitedBody(16 * 1024), async (c) => {
    if (!isOwnForm(c)) return foreign(c);
    const token = tokenNow();
    const { token: given, to } = await c.req.parseBody().catch(() => noForm);
    if (token === undefined) return signInPage(c, 403, to);
    if (wrong.areTooMany(clientOf(c))) {
      return signInPage(c, 429, to, "Too many wrong tokens. Try again in a minute.");
    }
    if (typeof given !== "string" || !sameText(given.trim(), token)) {
      wrong.add(clientOf(c));
      return signInPage(c, 401, to, "That is not the token.");
    }
    setCookie(c, cookieName(c), sessions.open(), {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: sessionMs / 1000,
      secure: isSecure(c),
    });
    return c.redirect(ownPath(to), 303);
  });
  routes.post("/session/end", (c) => {
    if (!isOwnForm(c)) return foreign(c);
    sessions.close(getCookie(c, cookieName(c)) ?? "");
    return c.redirect("/", 303);
  });

  function standing(c: Context): "in" | "out" | "off" {
    if (open) return "in";
    if (tokenNow() === undefined) return "off";
    return sessions.has(getCookie(c, cookieName(c)) ?? "") ? "in" : "out";
  }

  function signInPage(c: Context, status: 200 | 401 | 403 | 429, to: unknown, problem?: string) {
    return page(
      c,
      <Layout title="Sign in">
        <main id="main" class="narrow">
          <h1>Sign in</h1>
          {tokenNow() === undefined
            ? <p>There is no token, so nobody can sign in. {where()}</p>
            : (
              <form method="post" action="/-/session" class="sign-in">
                <label for="token">Token</label>
                <input
                  id="token"
                  name="token"
                  type="password"
                  autocomplete="current-password"
                  required
                  autofocus
                  aria-describedby={problem === undefined ? "where" : "problem where"}
                />
                {problem !== undefined && (
                  <p id="problem" class="problem" role="alert">{problem}</p>
                )}
                <p id="where" class="quiet">{where()}</p>
                <input type="hidden" name="to" value={ownPath(to)} />
                <button type="submit" class="primary">Sign in</button>
              </form>
            )}
          <p>
            <a href="/">Back to the overview</a>
          </p>
        </main>
      </Layout>,
      status,
    );
  }

  return {
    routes,
    standing,
    refusal(c) {
      if (!isOwnForm(c)) return foreign(c);
      switch (standing(c)) {
        case "in":
          return undefined;
        case "out":
          return c.redirect("/-/session", 303);
        case "off":
          return c.json({ detail: "off: there is no token" }, 403);
      }
    },
  };
}

/** As the server of `runtime/serve.ts` tells it. */
function peerOf(c: Context): string {
  return (c.env as { readonly remoteAddress?: string } | undefined)?.remoteAddress ?? "";
}

/** Where somebody was, as in "/messages/msg_1"; never another server, whatever a link says. */
function ownPath(to: unknown): string {
  return typeof to === "string" && /^\/\w+\/[\w%.!~*'()-]+$/.test(to) ? to : "/";
}

/** Cookies do not know ports: two servers of one machine must not sign each other out. */
function cookieName(c: Context): string {
  return `hookferry_${/:(\d+)$/.exec(c.req.header("host") ?? "")?.[1] ?? "session"}`;
}

/** A browser says where a form comes from; who does not say is a program, and has the routes for programs. */
function isOwnForm(c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  const origin = c.req.header("origin");
  // The scheme is not compared: a proxy that ends TLS changes it.
  return origin !== undefined && URL.parse(origin)?.host === c.req.header("host");
}

function isSecure(c: Context): boolean {
  return c.req.url.startsWith("https:") || c.req.header("x-forwarded-proto") === "https";
}

function foreign(c: Context): Response {
  return c.json({ detail: "this form was not sent by a page of this server" }, 403);
}
