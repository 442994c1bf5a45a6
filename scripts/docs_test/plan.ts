/** What is to be done with a block, from its language, its text and the note before it. */
import type { Block } from "./markdown.ts";

export type Plan =
  /** Not commands: nothing is done. */
  | { readonly kind: "none" }
  /** Saved under that name in the story's folder. */
  | { readonly kind: "file"; readonly name: string }
  /** Cannot run here. */
  | { readonly kind: "skip"; readonly reason: string }
  | Run;

export interface Run {
  readonly kind: "run";
  readonly script: string;
  /** Of a block that shows its output; else undefined. */
  readonly output: readonly string[] | undefined;
  readonly exitCode: number;
  /** Has to be in what it prints. */
  readonly prints: RegExp | undefined;
  /** It goes on running till the end of the story; this is printed when it is ready. */
  readonly stays: RegExp | undefined;
  /** What one of those that go on running prints after this block. */
  readonly then: RegExp | undefined;
  /** A relay is started on port 8420 before it. */
  readonly relay: boolean;
  /** Port of a target that answers 200, started before it. */
  readonly target: string | undefined;
  /**
   * Before it, a relay on 8420 and a connector (its settings in connector.json) to a target on 3000 are started and a
   * webhook is sent; the target's first answer has this status.
   */
  readonly carrying: number | undefined;
}

const shells = new Set(["sh", "bash", "console"]);
const clauses = ["file", "skip", "exits", "prints", "stays", "then", "relay", "target", "carrying"];
const looksLikeCommands = new RegExp(
  "^(hookferry|deno|npx|bun|npm|curl|docker|kubectl|systemctl|sudo|apt-get|brew|nats-server) [\\w./-]",
  "m",
);

/** Whoever runs the docs' tests has a machine that is to stay as it is. */
const changesTheMachine =
  /\b(sudo|systemctl|apt-get|launchctl|rc-service|service (un)?install)\b|(^|[\s>'"=])\/(etc|usr|var|opt)\//;

/** Throws when the block or its note is not understood. */
export function planOf({ language, text, notes }: Block): Plan {
  const clause = new Map(notes.map((note) => {
    const [word = "", rest = ""] = /^(\S+)(?: (.*))?$/.exec(note)?.slice(1) ?? [];
    if (!clauses.includes(word)) throw new Error(`docs-test: ${word}: use ${clauses.join(", ")}`);
    return [word, rest];
  }));
  const reason = clause.get("skip");
  if (reason === "") throw new Error("docs-test: skip: say why");
  if (reason !== undefined) return { kind: "skip", reason };
  const name = clause.get("file");
  if (name !== undefined) return { kind: "file", name };
  const shown = /^\$ /m.test(text);
  if (!shells.has(language) && !(language === "" && shown)) {
    if (language === "powershell") throw new Error("PowerShell does not run here: docs-test: skip");
    if (language === "" && looksLikeCommands.test(text)) throw new Error("commands: tag them sh");
    return { kind: "none" };
  }
  if (changesTheMachine.test(text)) {
    throw new Error("it would change this machine: say docs-test: skip, and why");
  }
  const lines = text.split("\n");
  return {
    kind: "run",
    script: shown
      ? lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2)).join("\n")
      : text,
    output: shown ? lines.filter((line) => line !== "" && !line.startsWith("$ ")) : undefined,
    exitCode: Number(clause.get("exits") ?? 0),
    prints: pattern(clause.get("prints")),
    stays: pattern(clause.get("stays")),
    then: pattern(clause.get("then")),
    relay: clause.has("relay"),
    target: clause.get("target"),
    carrying: clause.has("carrying") ? Number(clause.get("carrying")) : undefined,
  };
}

function pattern(text: string | undefined): RegExp | undefined {
  return text === undefined ? undefined : new RegExp(text, "m");
}

/** Output lines with what differs from run to run taken out, in no order: several parts write at a time. */
export function comparable(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.trimEnd()
      .replace(/\bmsg_[0-9a-f]+/g, "msg_ID")
      .replace(/ (\/[\w.@-]+){2,}/g, " PATH")
      .replace(/\bch_tok_\w+/g, "ch_tok_TOKEN")
      .replace(/\d+(\.\d+)?/g, "N")
  ).sort();
}
