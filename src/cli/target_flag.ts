import { parseTargetUrl, targetUrlRule } from "../config/target_url.ts";

/** A port, or host and port of this machine or of an address; perhaps a path behind it. */
const place = /^(?:(localhost|[\d.]+|\[[\da-f:.]+\])?:)?(\d+)(\/.*)?$/i;

/** What `--to` stands for: a port of this machine, as "localhost:3000/hooks", or what a file may say; else undefined. */
export function targetUrl(given: string): string | undefined {
  const [, host = "127.0.0.1", port, path = "/"] = place.exec(given) ?? [];
  if (port === undefined) return parseTargetUrl(given) && given;
  return Number(port) === 0 ? undefined : URL.parse(`http://${host}:${port}${path}`)?.href;
}

/** What to say of a `--to` that is not accepted. */
export function badTarget(given: string): string {
  return `--to ${JSON.stringify(given)}: use a port, or ${targetUrlRule}`;
}
