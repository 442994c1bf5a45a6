import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { brokenLinks, relativeLinks } from "../../scripts/docs_test/links.ts";
import { type Block, readPage } from "../../scripts/docs_test/markdown.ts";
import { comparable, planOf } from "../../scripts/docs_test/plan.ts";
import { beginStory } from "../../scripts/docs_test/story.ts";
import { test } from "../support/test.ts";

const page = (...lines: string[]) => readPage(lines.join("\n"));
const block = (language: string, text: string, ...notes: string[]): Block => ({
  line: 1,
  language,
  text,
  notes,
});
async function inStory(...blocks: Block[]): Promise<void> {
  await using story = await beginStory();
  for (const one of blocks) {
    const plan = planOf(one);
    if (plan.kind === "file") await story.saveFile(plan.name, one.text);
    else if (plan.kind === "run") await story.run(plan);
    else assert.fail(`a block is ${plan.kind}`);
  }
}

test("blocks are found with their section and the note right before them", () => {
  const { sections } = page(
    "```sh",
    "one",
    "```",
    "## Two",
    "<!-- docs-test: skip it needs a moon; exits 3 -->",
    "",
    "- ```json",
    "```sh",
    "  two",
    "    three",
    "```",
    "<!-- docs-test: skip stale -->",
    "other text",
    "````",
    "```",
    "````",
  );
  assert.deepEqual(sections.map(({ title, blocks }) => [title, blocks]), [
    ["", [{ line: 1, language: "sh", text: "one", notes: [] }]],
    ["Two", [
      {
        line: 8,
        language: "sh",
        text: "two\n  three",
        notes: [],
      },
      { line: 14, language: "", text: "```", notes: [] },
    ]],
  ]);
  const indented = page("text", "", "    hookferry dev").sections[0]?.blocks[0];
  assert.deepEqual(indented, { line: 3, language: "", text: "hookferry dev", notes: [] });
  const noted = page("<!-- docs-test: exits 3; prints x -->", "", "```sh", "a", "```");
  assert.deepEqual(noted.sections[0]?.blocks[0]?.notes, ["exits 3", "prints x"]);
});

test("a link that leads nowhere is found: files, folders, anchors, pictures; code and other hosts are left alone", (t) => {
  const root = t.folder();
  mkdirSync(join(root, "docs"));
  writeFileSync(
    join(root, "docs", "A.md"),
    "# It's `a`: b\n## Same\n## Same\n```\n# Not one\n```\n",
  );
  const file = join(root, "README.md");
  const read = page(
    "# Here",
    "[a](docs/A.md#its-a-b) [b](docs/A.md#same-1) [c](docs/) [d](#here) [e](https://x.example/#y)",
    "[a](docs/A.md#same-2) [b](docs/B.md)",
    "`[x](nowhere.md)` [c](docs/A.md#not-one)",
    '<img src="docs/p.png">',
  );
  assert.equal(relativeLinks(read).length, 8);
  assert.deepEqual(brokenLinks(read, file), [
    { line: 3, target: "docs/A.md#same-2" },
    { line: 3, target: "docs/B.md" },
    { line: 4, target: "docs/A.md#not-one" },
    { line: 5, target: "docs/p.png" },
  ]);
});

test("what is to be done with a block; one that hides its commands, or gives no reason, is refused", () => {
  assert.equal(planOf(block("json", "{}")).kind, "none");
  assert.equal(planOf(block("", "a picture")).kind, "none");
  assert.deepEqual(planOf(block("sh", "x", "skip needs systemd")), {
    kind: "skip",
    reason: "needs systemd",
  });
  const shown = planOf(block("", "$ echo a\na\n$ echo b\nb"));
  assert.ok(shown.kind === "run");
  assert.equal(shown.script, "echo a\necho b");
  assert.deepEqual(shown.output, ["a", "b"]);
  assert.throws(() => planOf(block("", "hookferry dev")), /tag them sh/);
  assert.throws(() => planOf(block("powershell", "dir")), /docs-test: skip/);
  assert.throws(() => planOf(block("sh", "x", "skip")), /say why/);
  for (const text of ["sudo x", "a > /etc/x", "hookferry service install", "ls '/var/lib/x'"]) {
    assert.throws(() => planOf(block("sh", text)), /would change this machine/);
  }
  assert.throws(() => planOf(block("sh", "x", "skp y")), /skp: use file, skip/);
});

test("output is compared without what differs each time", () => {
  const line = (id: string, ms: string, folder: string) => `acked ${id} in ${ms} ms, see ${folder}`;
  assert.deepEqual(
    comparable([line("msg_0a1b2c", "12", "/home/ferry/state"), "a"]),
    comparable(["a", line("msg_ffff00", "7.5", "/tmp/x")]),
  );
  assert.notDeepEqual(comparable(["acked"]), comparable(["nacked"]));
});

test("a block that fails, prints something else, or shows what is not printed, is a failure", async () => {
  await assert.rejects(inStory(block("sh", "false\ntrue")), /exit code 1, not 0/);
  await assert.rejects(inStory(block("sh", "echo a", "prints b")), /did not print \/b\/m/);
  await assert.rejects(inStory(block("", "$ echo a\nb")), /not as shown/);
  await assert.rejects(inStory(block("sh", "echo a", "stays b")), /ended and did not print/);
  await inStory(block("", "$ echo 1\n2"), block("sh", "exit 3", "exits 3"));
});

test("what fails is told with its line, what does not run with its reason, and the exit code is 1", (t) => {
  const page = join(t.folder(), "PAGE.md");
  const run = () => {
    const script = join(import.meta.dirname ?? ".", "..", "..", "scripts", "docs_test", "main.ts");
    const { status, stdout } = spawnSync(
      process.execPath,
      ["Deno" in globalThis ? ["run", "--quiet", "-A"] : [], script, page].flat(),
      { encoding: "utf8" },
    );
    return { status, lines: stdout.replaceAll(page, "PAGE.md").trimEnd().split("\n") };
  };
  const skipped = "<!-- docs-test: skip needs a moon -->\n```sh\nfly\n```\n";
  writeFileSync(page, `${skipped}\`\`\`sh\necho a\n\`\`\`\n`);
  assert.deepEqual(run(), {
    status: 0,
    lines: [
      "not run  PAGE.md:2: needs a moon",
      "ran      PAGE.md:5",
      "ok | 1 passed | 0 failed | 1 not run, for the reasons above | 0 links",
    ],
  });
  writeFileSync(page, "[b](B.md)\n```sh\nexit 3\n```\n");
  const { status, lines } = run();
  assert.equal(status, 1);
  assert.match(lines[0] ?? "", /^FAILED {3}PAGE.md:1: the link B.md leads nowhere/);
  assert.match(lines[1] ?? "", /^FAILED {3}PAGE.md:2: exit code 3, not 0/);
  assert.match(lines.at(-1) ?? "", /^FAILED \| 0 passed \| 2 failed \|/);
});

test("the blocks of a section share a folder, ports, and what was printed; what goes on running ends with it", async () => {
  await inStory(
    block("json", '{"channel": "default", "to": "relay.example"}', "file a/settings.json"),
    block("sh", "grep -q 127.0.0.1: a/settings.json"),
    block("sh", `test -w "$HOME" && test "$HOME" != ${homedir()} && touch ~/mine`),
    block("sh", "test -f ~/mine"),
    block("sh", "hookferry relay --listen 127.0.0.1:8420", "stays ^connect "),
    block("sh", "case ch_tok_... in *.) exit 1;; esac"),
    block(
      "sh",
      "echo 'hookferry+https://default:ch_tok_...@relay.example' | hookferry connect --from - --to 3000",
      "target 3000",
      'stays "connected"',
    ),
    block("sh", "hookferry send https://relay.example/webhook/default", 'then "ack"'),
    block("sh", "hookferry status"),
  );
});

test("a configuration in the docs has to be valid", async () => {
  await assert.rejects(
    inStory(block("yaml", "chanel: orders", "file connector.yaml")),
    /chanel: unknown key/,
  );
  await assert.rejects(
    inStory(block("json", '{"a":{"module":"webhook_connect"}}', "file webhooks.json")),
    /a\.channel/,
  );
});

test("with a webhook under way that its target refused there is a dead letter", async () => {
  await inStory(
    block("sh", "hookferry dead-letters show msg_...", "carrying 400", 'prints "status": 400'),
    block("sh", "hookferry dead-letters replay --all"),
  );
  await inStory(
    block("sh", "hookferry send https://relay.example/webhook/default", "relay", "prints 202"),
  );
});
