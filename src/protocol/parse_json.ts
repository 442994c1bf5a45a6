/** What may stand at a place of a JSON text. */
type Wanted = "value" | "value or ]" | "name" | "name or }" | ":" | ", or }" | ", or ]" | "end";

const inWords: Readonly<Record<Wanted, string>> = {
  "value": "a value",
  "value or ]": 'a value or "]"',
  "name": "a name in double quotes",
  "name or }": 'a name in double quotes or "}"',
  ":": '":" after the name',
  ", or }": '"," or "}"',
  ", or ]": '"," or "]"',
  "end": "nothing more",
};

const gap = /[ \t\n\r]*/y;
const text = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const plain = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** As JSON.parse, but the SyntaxError says where, on every runtime: Bun's own does not. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new SyntaxError(jsonSlip(json) ?? String(error));
  }
}

/**
 * Where a text ceases to be JSON (RFC 8259), in words: `line 5, column 3: "," or
 * "}" is expected`. Undefined when it is JSON.
 */
export function jsonSlip(json: string): string | undefined {
  const open: ("{" | "[")[] = [];
  let wanted: Wanted = "value";
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(json)) return false;
    at = pattern.lastIndex;
    return true;
  };
  for (;;) {
    take(gap);
    if (at === json.length) return wanted === "end" ? undefined : slip();
    const char = json[at];
    if (wanted.startsWith("value") && (char === "{" || char === "[")) {
      open.push(char);
      at++;
      wanted = char === "{" ? "name or }" : "value or ]";
    } else if (wanted.startsWith("value") && (take(text) || take(plain))) {
      wanted = afterValue();
    } else if (wanted.startsWith("name") && take(text)) {
      wanted = ":";
    } else if (wanted === ":" && char === ":") {
      at++;
      wanted = "value";
    } else if (wanted.startsWith(",") && char === ",") {
      at++;
      wanted = open.at(-1) === "{" ? "name" : "value";
    } else if (char !== undefined && wanted.endsWith(`or ${char}`)) {
      at++;
      open.pop();
      wanted = afterValue();
    } else return slip();
  }

  function afterValue(): Wanted {
    const around = open.at(-1);
    if (around === undefined) return "end";
    return around === "{" ? ", or }" : ", or ]";
  }

  function slip(): string {
    const before = json.slice(0, at).split(/\r\n|\n|\r/);
    const place = `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
    if (json[at] === '"' && /value|name/.test(wanted)) {
      return `${place}: this text does not end on its line, or has an escape that JSON does not know`;
    }
    return `${place}: ${inWords[wanted]} is expected`;
  }
}
