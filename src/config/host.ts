/** The host of a URL names this machine. */
export function isLoopback(hostname: string): boolean {
  const host = bareHost(hostname);
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Without brackets and closing dot, in small letters. */
export function bareHost(hostname: string): string {
  return unbracketed(hostname).replace(/\.$/, "").toLowerCase();
}

/** The port that is connected to. */
export function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === "https:" ? 443 : 80));
}

/** As connections take it: an IPv6 address without its brackets. */
export function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** "host:port", as it stands in a URL: an IPv6 address in brackets. */
export function authority(host: string, port: number | string): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The `Host` of a request is this machine: no web page has made this machine's address its own name. */
export function isLocalHost(host: string): boolean {
  return isLoopback(host.replace(/:\d+$/, ""));
}
