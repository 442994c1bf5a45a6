/** `deno task docs:test [FILE…]`: runs every command block of the docs, follows every relative link. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { brokenLinks, relativeLinks } from "./links.ts";
import { readPage, type Section } from "./markdown.ts";
import { planOf } from "./plan.ts";
import { beginStory } from "./story.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const tally = { passed: 0, failed: 0, notRun: 0, links: 0 };

const given = process.argv.slice(2);
for (const file of given.length > 0 ? given : allPages()) await testPage(file);
console.log(
  `${tally.failed === 0 ? "ok" : "FAILED"} | ${tally.passed} passed | ${tally.failed} failed | ` +
    `${tally.notRun} not run, for the reasons above | ${tally.links} links`,
);
process.exitCode = tally.failed === 0 ? 0 : 1;

function allPages(): string[] {
  const below = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  const docs = below.filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`);
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs];
}

async function testPage(file: string): Promise<void> {
  const path = resolve(root, file);
  const page = readPage(readFileSync(path, "utf8"));
  tally.links += relativeLinks(page).length;
  for (const { line, target } of brokenLinks(page, path)) {
    failed(`${file}:${line}`, `the link ${target} leads nowhere`);
  }
  for (const section of page.sections) await testSection(file, section);
}

async function testSection(file: string, { blocks }: Section): Promise<void> {
  if (blocks.length === 0) return;
  await using story = await beginStory();
  for (const block of blocks) {
    const where = `${file}:${block.line}`;
    try {
      const plan = planOf(block);
      switch (plan.kind) {
        case "none":
          break;
        case "file":
          await story.saveFile(plan.name, block.text);
          console.log(`saved    ${where}: ${plan.name}`);
          break;
        case "skip":
          console.log(`not run  ${where}: ${plan.reason}`);
          tally.notRun++;
          break;
        case "run":
          await story.run(plan);
          console.log(`ran      ${where}`);
          tally.passed++;
      }
    } catch (error) {
      failed(where, error instanceof Error ? error.message : String(error));
    }
  }
}

function failed(where: string, what: string): void {
  console.log(`FAILED   ${where}: ${what}`);
  tally.failed++;
}
