/** What `--to` stands for: a port of this machine, or a URL. Undefined when it is neither. */
export function targetUrl(given: string): URL | undefined {
  const url = URL.parse(/^\d+$/.test(given) ? `http://127.0.0.1:${given}/` : given);
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** What to say of a `--to` that is not accepted. */
export function badTarget(given: string): string {
  return `--to ${JSON.stringify(given)}: use a port, or a URL beginning with http: or https:`;
}
