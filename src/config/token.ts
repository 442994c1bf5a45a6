import type { Report } from "./config_error.ts";
import type { Values } from "./merge.ts";
import { readText } from "./read_text.ts";
import { Secret } from "./secret.ts";

/** The channel's token, from `token` or the file `token_file` names, whichever the stronger layer set. */
export function readToken(values: Values, report: Report): Secret | undefined {
  const direct = values.origin("token");
  const file = values.origin("token_file");
  let token = values.get("token");
  const path = values.get("token_file");
  if (path !== undefined && (file?.rank ?? 0) > (direct?.rank ?? -1)) {
    const text = readText("token_file", path, report)?.replace(/\r?\n$/, "");
    if (text === undefined) return undefined;
    token = new Secret(text);
  }
  if (token === undefined || token.reveal() === "") {
    report("token: is required; set CONNECTOR_TOKEN, token_file, or use --token-stdin");
    return undefined;
  }
  const slip = tokenSlip(token.reveal());
  if (slip === undefined) return token;
  report(`token: ${slip}`);
  return undefined;
}

/** What keeps a text from being a channel's token; undefined when nothing does. */
export function tokenSlip(token: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(token)
    ? undefined
    : "has characters that no token has: use visible ASCII, without spaces";
}

/** What keeps a secret from ever arriving as it is in an `Authorization` header; undefined when nothing does. */
export function headerSlip(secret: string): string | undefined {
  return /^[\x20-\x7e]+$/.test(secret) && secret.trim() === secret
    ? undefined
    : "has characters that cannot stand in a header: use visible ASCII, and spaces only within";
}
