/** A value in quotes, for an error message; a password in a URL is not shown. */
export function shown(value: unknown): string {
  return String(JSON.stringify(value)).replace(/:\/\/[^/\s"]*@/g, "://***@");
}
