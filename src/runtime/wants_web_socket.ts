/**
 * RFC 9110 section 7.8 and RFC 6455 section 4.1. Without the key, and without `upgrade` in Connection, Deno throws
 * where it is asked to upgrade.
 */
export function wantsWebSocket({ headers }: Request): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket" &&
    /(^|,)\s*upgrade\s*(,|$)/i.test(headers.get("connection") ?? "") &&
    headers.has("sec-websocket-key");
}
