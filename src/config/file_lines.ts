import { isMap, isSeq, LineCounter, parseDocument } from "yaml";

/** The way to a value in a file: names of members and indices of elements. */
export type Keys = readonly (string | number)[];

/**
 * Finds the line, from 1, of a key in a YAML text; JSON is YAML too (YAML 1.2.2 section 1.3). The line of the
 * nearest key above it where the key itself does not stand in the text.
 */
export function findLines(text: string): (keys: Keys) => number | undefined {
  let found: { readonly root: unknown; readonly counter: LineCounter } | undefined;
  return (keys) => {
    found ??= parse(text);
    const { root, counter } = found;
    let node = root;
    let offset: number | undefined;
    for (const key of keys) {
      if (isMap(node)) {
        const pair = node.items.find((item) => String(item.key) === String(key));
        offset = startOf(pair?.key) ?? offset;
        node = pair?.value;
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        offset = startOf(node) ?? offset;
      } else break;
    }
    return offset === undefined ? undefined : counter.linePos(offset).line;
  };
}

/** The keys that stand twice in a map of the text, each as its path and the two lines. */
export function repeatedKeys(
  text: string,
): { readonly path: string; readonly lines: readonly [number, number] }[] {
  const { root, counter } = parse(text);
  const lineOf = (node: unknown) => counter.linePos(startOf(node) ?? 0).line;
  return inside(root, []);

  function inside(node: unknown, keys: Keys): ReturnType<typeof repeatedKeys> {
    if (isSeq(node)) return node.items.flatMap((item, i) => inside(item, [...keys, i]));
    if (!isMap(node)) return [];
    const seen = new Map<string, number>();
    return node.items.flatMap(({ key, value }) => {
      const [name, line] = [String(key), lineOf(key)];
      const before = seen.get(name);
      seen.set(name, line);
      const way = [...keys, name];
      const found = inside(value, way);
      return before === undefined
        ? found
        : [{ path: way.join("."), lines: [before, line] }, ...found];
    });
  }
}

function parse(text: string) {
  const counter = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter: counter, uniqueKeys: false });
  return { root: contents, counter };
}

function startOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] } | null | undefined)?.range?.[0];
}
