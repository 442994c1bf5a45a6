import { flagName, type Option, options } from "../config/options.ts";

/** A command as its help tells it. */
export interface CommandLine {
  readonly name: string;
  readonly summary: string;
  /** What may come first after the name, as `check` of `config`; most have none. */
  readonly words: readonly string[];
  readonly flags: readonly Flag[];
}

export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** What its value is called, as in FILE; a switch has none. */
  readonly value?: string;
  /** The values there are, where they can be counted. */
  readonly choices: readonly string[];
  readonly help: string;
}

/** Help texts by command, as `main.ts` has them: the one place where a command's flags are told. */
export type Helps = Readonly<Record<string, { readonly help: string }>>;

/**
 * Reads the commands' help. Flags stand in the paragraphs that begin with one, or with the command and a word;
 * a command that says its settings are those of connect has every option as a flag too.
 */
export function commandLines(helps: Helps): CommandLine[] {
  const ofConnect = paragraphsOf("connect", helps["connect"]?.help ?? "").flatMap(flagsOf);
  return Object.entries(helps).map(([name, { help }]) => {
    const lines = help.split("\n");
    const paragraphs = paragraphsOf(name, help);
    const words = lines.flatMap((line) =>
      new RegExp(`^ {2}${name} ([a-z][a-z-]*)`).exec(line)?.[1] ?? []
    );
    const own = paragraphs.flatMap(flagsOf);
    const isLikeConnect = name === "connect" || /those\s+of\s+connect/.test(help);
    const all = isLikeConnect ? [...own, ...ofConnect, ...settingFlags] : own;
    return {
      name,
      summary: /: ([^]*?)\.?\n(\n|$)/.exec(help)?.[1]?.replaceAll(/\s+/g, " ") ?? "",
      words: [...new Set(words)],
      flags: [...new Map(all.toReversed().map((flag) => [flag.name, flag])).values()].toReversed(),
    };
  });
}

function paragraphsOf(name: string, help: string): string[] {
  const begins = (text: string) => text.startsWith("  --") || text.startsWith(`  ${name} `);
  return help.split("\n\n").filter(begins);
}

/** A flag, and its value: in capitals, also with a word in place of it (`HOST:PORT|off`), or `-`. */
const flagText = /--([a-z][a-z-]*)(?: ([A-Z][A-Z:]*(?:\|[A-Za-z]+)?|-)(?=[\s,\])]|$))?/g;

function flagsOf(paragraph: string): Flag[] {
  // What is told over several lines is one.
  const entries = paragraph.replaceAll(/\n {4,}/g, " ").split("\n");
  return entries.flatMap((entry) => {
    const [told] = leading.exec(entry) ?? [];
    const help = told === undefined ? "" : entry.slice(told.length).trim();
    return [...(told ?? entry).matchAll(flagText)].map(([, name = "", value]) =>
      flag(name, value, help, choicesIn(help))
    );
  });
}

const leading = new RegExp(`^ {2}(${flagText.source}(, |\\s+))+`);

/** As in "a, b or c (default a)" and "a (default), b or c". */
function choicesIn(help: string): string[] {
  const list = help.replace(/[;:].*$/, "").replaceAll(/\(keys[^)]*\)/g, "").replace(
    / \(default\)/,
    "",
  )
    .replace(/\s*\(default .*/, "").replace(/^standard output: /, "");
  const words = list.split(/,\s*| or /).map((word) => word.trim());
  return words.length > 1 && words.every((word) => /^[\w.]+$/.test(word)) ? words : [];
}

function flag(name: string, value: string | undefined, help: string, found: string[]): Flag {
  const kind = options.find((option) => flagName(option) === name)?.kind;
  const choices = kind?.type === "choice" ? kind.values : value === undefined ? [] : found;
  return { name, ...(value !== undefined && { value }), help, choices };
}

const settingFlags: readonly Flag[] = options.filter((option) => option.flag !== false)
  .flatMap(settingFlag);

function settingFlag(option: Option): Flag[] {
  const name = flagName(option);
  if (option.kind.type !== "boolean") return [flag(name, valueName(option), option.help, [])];
  return [
    flag(name, undefined, option.help, []),
    flag(`no-${name}`, undefined, "the opposite", []),
  ];
}

function valueName({ key, kind }: Option): string {
  if (kind.type === "seconds") return "SECONDS";
  if (kind.type === "integer" || kind.type === "number") return "N";
  return /_(path|file)$/.test(key) ? "FILE" : /_url$/.test(key) ? "URL" : "NAME";
}
