import { parseTargetUrl, targetUrlRule } from "../config/target_url.ts";

/** What `--to` stands for: a port of this machine, or what a file may say. Undefined when it is neither. */
export function targetUrl(given: string): string | undefined {
  if (/^\d+$/.test(given)) return URL.parse(`http://127.0.0.1:${given}/`)?.href;
  return parseTargetUrl(given) && given;
}

/** What to say of a `--to` that is not accepted. */
export function badTarget(given: string): string {
  return `--to ${JSON.stringify(given)}: use a port, or ${targetUrlRule}`;
}
