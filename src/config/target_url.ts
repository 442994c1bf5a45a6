/** Where a target is. */
export interface TargetPlace {
  readonly url: URL;
  readonly socketPath: string | undefined;
  readonly origin: string;
}

export const targetUrlRule =
  "use a URL beginning with http: or https:, or unix:/PATH/TO/SOCKET:/PATH";

/** What the address of a Unix socket has room for on every system. */
const maxSocketPathBytes = 103;

/** "http://host/path", or "unix:/run/app.sock:/path" for a server that speaks HTTP on a Unix socket. */
export function parseTargetUrl(given: string): TargetPlace | undefined {
  const [, socketPath, path = "/"] = /^unix:(\/[^:\0]+)(?::(\/.*))?$/i.exec(given) ?? [];
  if (socketPath !== undefined) {
    const url = URL.parse(path, "http://localhost");
    if (!url || url.host !== "localhost") return undefined;
    if (new TextEncoder().encode(socketPath).length > maxSocketPathBytes) return undefined;
    return { url, socketPath, origin: `unix:${socketPath}` };
  }
  const url = URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return { url, socketPath: undefined, origin: url.origin };
}
