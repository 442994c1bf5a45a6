const maxShown = 200;

/** A value for a message: as JSON, cut when it is long, without the credentials of a URL. */
export function shown(value: unknown): string {
  const text = (JSON.stringify(value) ?? "nothing").replace(/(:\/\/)[^/@"]*@/g, "$1***@");
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}
