/** @jsxImportSource hono/jsx */
import type { Context } from "hono";
import type { Child } from "hono/jsx";

const icon = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b6b67"/>' +
    '<path d="M7 12h18l-3 7H10z" fill="#fff"/><path d="M15 5h2v7h-2z" fill="#fff"/>' +
    '<path d="M5 24q2.75-3 5.5 0t5.5 0 5.5 0 5.5 0" fill="none" stroke="#9fe0da" stroke-width="2" stroke-linecap="round"/></svg>',
);

/** Only what this server sends, no script or style in the page itself, in nobody's frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/** What every page has around it. `live`: the run that it follows; undefined when it does not. */
export function Layout(
  { title, live, subtitle, account, children }: {
    readonly title: string;
    readonly live?: string | undefined;
    readonly subtitle?: string | undefined;
    /** Sign in, sign out. */
    readonly account?: Child;
    readonly children: Child;
  },
) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · hookferry`}</title>
        <link rel="icon" href={icon} />
        <link rel="stylesheet" href="/assets/page.css" />
        <script src="/assets/live.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/">
            <Mark />
            <span>hookferry</span>
          </a>
          {subtitle !== undefined && <span class="subtitle">{subtitle}</span>}
          <span class="spacer"></span>
          {live !== undefined && (
            // The script has something better to say, where there is one.
            <span id="live" class="live" role="status" data-run={live}>
              Reload to see what is new
            </span>
          )}
          {account}
        </header>
        {children}
      </body>
    </html>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path class="boat" d="M7 12h18l-3 7H10z M15 5h2v7h-2z" />
      <path class="wave" d="M5 24q2.75-3 5.5 0t5.5 0 5.5 0 5.5 0" />
    </svg>
  );
}

/** A page as a response, with its security headers. */
export function page(
  c: Context,
  body: Child,
  status: 200 | 401 | 403 | 404 | 429 | 503 = 200,
): Response {
  return c.html(`<!DOCTYPE html>${body}`, status, {
    "Content-Security-Policy": policy,
    // Not "no-referrer": browsers then say Origin: null with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
  });
}
