/** One line that holds all a connector needs to know of a relay: `hookferry+https://CHANNEL:TOKEN@HOST/PATH`. */
export interface ConnectString {
  /** http: or https:, without a trailing slash. */
  readonly url: string;
  readonly channel: string;
  readonly token: string;
}

const scheme = "hookferry+";

export function connectString({ url, channel, token }: ConnectString): string {
  const full = new URL(url);
  full.username = encodeURIComponent(channel);
  full.password = encodeURIComponent(token);
  return scheme + full.href.replace(/\/+$/, "");
}

/** Undefined when it is not one. Says nothing about whether channel and token are good. */
export function parseConnectString(text: string): ConnectString | undefined {
  const line = text.trim();
  if (!line.startsWith(scheme)) return undefined;
  const url = URL.parse(line.slice(scheme.length));
  if (!url || !/^https?:$/.test(url.protocol) || !url.username || !url.password) return undefined;
  const { username, password } = url;
  url.username = url.password = "";
  try {
    const [channel, token] = [decodeURIComponent(username), decodeURIComponent(password)];
    return { url: url.href.replace(/\/+$/, ""), channel, token };
  } catch {
    return undefined; // a % that is no escape
  }
}
