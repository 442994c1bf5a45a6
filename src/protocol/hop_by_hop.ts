type HeaderList = readonly (readonly [name: string, value: string])[];

/** Headers for one connection only (RFC 9110 section 7.6.1): no part of a webhook. */
export const hopByHopHeaders: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
]);

/** The headers that are for the sender's own connection only (RFC 9110 section 7.6.1), in small letters. */
export function connectionOptions(headers: HeaderList): ReadonlySet<string> {
  let named = none;
  for (const [name, value] of headers) {
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    const options = value.split(",").map((option) => option.trim().toLowerCase());
    named = new Set([...named, ...options]);
  }
  return named;
}

const none: ReadonlySet<string> = new Set();
