/** What `hookferry completions` and `hookferry man` print, as the shells and man take it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLines } from "../../src/cli/command_lines.ts";
import { flagName, options } from "../../src/config/options.ts";
import { programCommand, programEnv } from "../support/program.ts";
import { missing, run } from "../support/shell.ts";
import { test, type TestContext, testUnless } from "../support/test.ts";

/** A file with what the program prints. */
async function printed(t: TestContext, args: readonly string[], name: string): Promise<string> {
  const folder = t.folder();
  const { code, stdout, stderr } = await run(programCommand(args), programEnv(folder));
  assert.equal(code, 0, stderr);
  writeFileSync(join(folder, name), stdout);
  return join(folder, name);
}

/** Words of a command line, and what its last word could be. */
const questions: readonly (readonly [string, readonly string[]])[] = [
  ["hookferry con", ["config", "connect"]],
  ["hookferry config s", ["schema", "show"]],
  ["hookferry dev --on", ["--once"]],
  ["hookferry dev --protocol ", ["auto", "long_poll", "sse", "websocket"]],
  ["hookferry relay --durability=x --tls-", ["--tls-cert", "--tls-key"]],
  ["hookferry connect --max-queue-", ["--max-queue-bytes", "--max-queue-messages"]],
  ["hookferry connect --no-verify", ["--no-verify-ssl"]],
  ["hookferry send --sample s", ["standard", "stripe"]],
  ["hookferry dead-letters list --lim", ["--limit"]],
  ["hookferry dead-letters replay --ack-", ["--ack-timeout"]],
];

testUnless(missing("bash"), "bash completes commands, words, flags and values", async (t) => {
  const script = await printed(t, ["completions", "bash"], "hookferry.bash");
  for (const [line, found] of questions) {
    const asked =
      `source ${script}; read -ra COMP_WORDS <<<"$1"; [[ $1 != *" " ]] || COMP_WORDS+=("")
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _hookferry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await run(["bash", "-c", asked, "bash", line]);
    assert.deepEqual(listed(stdout), found, `${line}: ${stderr}`);
  }
});

testUnless(missing("fish"), "fish completes commands, words, flags and values", async (t) => {
  const script = await printed(t, ["completions", "fish"], "hookferry.fish");
  for (const [line, found] of questions) {
    const { stdout, stderr } = await run(
      ["fish", "--no-config", "-c", `source ${script}; complete -C '${line}'`],
      { HOME: t.folder() },
    );
    const words = stdout.replaceAll(/\t.*/g, "");
    assert.deepEqual(listed(words), found, `${line}: ${stderr}`);
  }
});

testUnless(missing("zsh"), "zsh completes commands, words, flags and values", async (t) => {
  const script = await printed(t, ["completions", "zsh"], "_hookferry");
  const home = t.folder();
  // A zsh on a terminal, whose completion tells what it would add in place of adding it.
  const asked = `zmodload zsh/zpty
zpty it zsh -f -i
told() { local chunk text; while zpty -r it chunk; do text+=$chunk; [[ $text == *$1* ]] && break; done; print -r -- $text }
zpty -w it "autoload -U compinit; compinit -D; source ${script}; PROMPT=; setopt noautolist
compadd() { local -a found; builtin compadd -O found \\"\\$@\\"; for one in \\$found; do print -r -- at=\\$one=; done; builtin compadd \\"\\$@\\" }
asking() { zle complete-word; print -r -- asked=done; BUFFER=; zle reset-prompt }
zle -N asking; zle -C complete-word complete-word _main_complete; bindkey '^I' asking; echo begin=now"
told begin=now >/dev/null
for line; do zpty -w -n it $line$'\\t'; told asked=done; print -r -- next=line; done
zpty -d it`;
  const lines = questions.map(([line]) => line);
  const { stdout, stderr } = await run(["zsh", "-f", "-c", asked, "zsh", ...lines], {
    HOME: home,
    TERM: "dumb",
  });
  const answers = stdout.split("next=line");
  for (const [i, [line, found]] of questions.entries()) {
    const words = [...answers[i]?.matchAll(/at=(\S+)=/g) ?? []].map(([, word]) => word).join("\n");
    assert.deepEqual(listed(words), found, `${line}: ${stderr}${stdout}`);
  }
});

/** Its lines, sorted, each once. */
function listed(text: string): string[] {
  return [...new Set(text.split("\n").filter((word) => word !== ""))].sort();
}

testUnless(
  missing("shellcheck"),
  "shellcheck has nothing to say of the script for bash",
  async (t) => {
    const script = await printed(t, ["completions", "bash"], "hookferry.bash");
    const { code, stdout } = await run(["shellcheck", "--shell=bash", script]);
    assert.equal(code, 0, stdout);
  },
);

test("a shell there is no script for is told which there are", async () => {
  const { code, stderr } = await run(programCommand(["completions", "tcsh"]), programEnv("/tmp"));
  assert.equal(code, 2);
  assert.match(stderr, /completions "tcsh": use one of bash, zsh, fish, powershell/);
});

testUnless(
  missing("man"),
  "man shows the page without a warning: every command, every setting",
  async (t) => {
    const page = await printed(t, ["man"], "hookferry.1");
    const env = { LC_ALL: "C.UTF-8", MANWIDTH: "100", HOME: t.folder() };
    const { code, stdout, stderr } = await run(["man", "--warnings", "-l", page], env);
    assert.equal(code, 0);
    assert.equal(stderr, "");

    for (const name of ["connect", "relay", "dead-letters", "man"]) {
      assert.match(stdout, new RegExp(`^ +hookferry ${name}$`, "m"));
    }
    for (const option of options) assert.ok(stdout.includes(option.key), option.key);
  },
);

test("a help text gives its flags, with their values, and none that it only mentions", () => {
  const helps = {
    connect: { help: "hookferry connect: x.\n\n  --to PORT|URL  where\n" },
    one: {
      help: `hookferry one: the
first line, in two.

  --file FILE        a file
  --how NAME         a, b or
                     c (default a); not --once
  --cert FILE, --key FILE   both
  --switch

  Mentions --none.
`,
    },
    two: {
      help:
        "hookferry two: y.\n\n  two list [--limit N] [--json]   some\n\n  Settings are those of\n  connect.\n",
    },
  };
  const [, one, two] = commandLines(helps);
  assert.equal(one?.summary, "the first line, in two");
  assert.deepEqual(one?.flags, [
    { name: "file", value: "FILE", choices: [], help: "a file" },
    {
      name: "how",
      value: "NAME",
      choices: ["a", "b", "c"],
      help: "a, b or c (default a); not --once",
    },
    { name: "cert", value: "FILE", choices: [], help: "both" },
    { name: "key", value: "FILE", choices: [], help: "both" },
    { name: "switch", choices: [], help: "" },
  ]);
  assert.deepEqual(two?.words, ["list"]);
  const names = two?.flags.map(({ name }) => name) ?? [];
  assert.deepEqual(names.slice(0, 3), ["limit", "json", "to"]);
  const settings = options.filter(({ flag }) => flag !== false).map(flagName);
  assert.deepEqual(settings.filter((name) => !names.includes(name)), []);
});
