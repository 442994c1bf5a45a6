/** What of a Markdown file can be checked: its blocks, its links, and the anchors others may link to. */

/** A fenced block; or a line that is indented as one, without a language. */
export interface Block {
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The clauses of a `<!-- docs-test: … -->` right before it, as "word rest". */
  readonly notes: readonly string[];
}

/** From one heading of level 2 to the next: one story, whose blocks follow upon each other. */
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

export interface Page {
  readonly sections: readonly Section[];
  readonly links: readonly Link[];
  /** As GitHub makes them of headings. */
  readonly anchors: ReadonlySet<string>;
}

export function readPage(markdown: string): Page {
  const sections: { title: string; blocks: Block[] }[] = [{ title: "", blocks: [] }];
  const links: Link[] = [];
  const anchors = new Set<string>();
  let open: { line: number; fence: string; language: string; lines: string[] } | undefined;
  let notes: readonly string[] = [];
  const all = markdown.split("\n");
  for (const [at, line] of all.entries()) {
    const fence = /^ *(`{3,})(\S*)/.exec(line);
    if (open) {
      if (fence?.[1] !== open.fence || fence[2] !== "") {
        open.lines.push(line);
        continue;
      }
      const { lines, language } = open;
      sections.at(-1)?.blocks.push({ line: open.line, language, text: dedent(lines), notes });
      open = undefined;
      notes = [];
    } else if (fence) {
      open = { line: at + 1, fence: fence[1] ?? "", language: fence[2] ?? "", lines: [] };
    } else {
      const note = /^<!-- docs-test: (.*?) -->$/.exec(line.trim())?.[1];
      if (note !== undefined) notes = note.split("; ");
      else if (line.trim() !== "") notes = [];
      const heading = /^(#{1,6}) +(.*?) *$/.exec(line);
      if (heading) anchors.add(anchorOf(heading[2] ?? "", anchors));
      if (heading?.[1] === "##") sections.push({ title: heading[2] ?? "", blocks: [] });
      if (/^ {4}/.test(line) && all[at - 1]?.trim() === "") {
        sections.at(-1)?.blocks.push({ line: at + 1, language: "", text: line.trim(), notes: [] });
      }
      links.push(...linksIn(line).map((target) => ({ line: at + 1, target })));
    }
  }
  return { sections, links, anchors };
}

function linksIn(line: string): string[] {
  const plain = line.replace(/`[^`]*`/g, "");
  const inText = [...plain.matchAll(/\]\(([^()\s]+)\)/g)];
  const inTags = [...plain.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)];
  return [...inText, ...inTags].map(([, target = ""]) => target);
}

function anchorOf(heading: string, taken: ReadonlySet<string>): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  const anchor = text.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
  let n = 0;
  while (taken.has(n === 0 ? anchor : `${anchor}-${n}`)) n++;
  return n === 0 ? anchor : `${anchor}-${n}`;
}

function dedent(lines: readonly string[]): string {
  const margins = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const margin = Math.min(...margins);
  return lines.map((line) => line.slice(margin)).join("\n");
}
