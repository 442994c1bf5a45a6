/** JSON as a sender writes it: objects of short members, some text, some numbers. */
export function payloadOf(bytes: number): string {
  const items: string[] = [];
  for (let n = 0, size = 0; size < bytes; n++) {
    const item = JSON.stringify({
      id: n * 7919,
      name: `commit ${n}`,
      ok: n % 2 === 0,
      message: "Carry it across the river \u2014 and back",
      url: `https://example.org/octo/ferry/commit/${n}`,
      at: "2026-11-28T12:00:00Z",
    });
    items.push(item);
    size += item.length + 1;
  }
  return `{"commits":[${items.join(",")}]}`;
}

/** As Python writes it: a space behind every colon and comma, ASCII only. */
export function spaced(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|([:,])/g, (_, text, mark) => text ?? `${mark} `)
    .replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
