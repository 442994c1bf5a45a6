/** What a command can ask; undefined when it is no URL with http: or https:. */
export function httpUrl(given: string): URL | undefined {
  const url = URL.parse(given);
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}
