/** In place of what is not shown. */
export const redacted = "[redacted]";

type Headers = readonly (readonly [name: string, value: string])[];

export interface Redact {
  headers(headers: Headers): Headers;
  /** Values in the query. */
  path(path: string): string;
}

/** Hides the values of headers and query parameters whose name fits one of the patterns; `*` stands for anything. */
export function redactBy(patterns: string): Redact {
  const tests = patterns.split(",").map((pattern) => pattern.trim()).filter((one) => one !== "")
    .map((pattern) => pattern.split("*").map((part) => part.replace(/[^\w-]/g, "\\$&")).join(".*"));
  const isSecret = (name: string) =>
    tests.length > 0 && new RegExp(`^(?:${tests.join("|")})$`, "i").test(name);
  return {
    headers: (headers) =>
      headers.map(([name, value]) => [name, isSecret(name) ? redacted : value] as const),
    path(path) {
      const mark = path.indexOf("?");
      if (mark === -1) return path;
      const pairs = path.slice(mark + 1).split("&").map((pair) => {
        const name = pair.split("=", 1)[0] ?? "";
        return isSecret(decoded(name)) ? `${name}=${redacted}` : pair;
      });
      return `${path.slice(0, mark)}?${pairs.join("&")}`;
    },
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
