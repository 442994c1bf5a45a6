import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { test } from "../support/test.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const folder = join(root, ".github", "workflows");

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly "timeout-minutes"?: number;
        readonly needs?: string | string[];
        readonly steps: Step[];
      }
    >
  >;
}

const { tasks } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
  tasks: Record<string, string>;
};

for (const name of readdirSync(folder)) {
  const text = readFileSync(join(folder, name), "utf8");
  const { permissions, jobs } = parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  test(`${name}: actions are pinned by commit, with the version beside it`, () => {
    for (const line of text.split("\n").filter((line) => /\buses:/.test(line))) {
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  test(`${name}: may only read unless a job says more, and every job ends by itself`, () => {
    assert.deepEqual(permissions, { contents: "read" });
    for (const [job, { "timeout-minutes": minutes, needs = [] }] of Object.entries(jobs)) {
      assert.ok(minutes, job);
      for (const needed of [needs].flat()) assert.ok(jobs[needed], `${job} needs ${needed}`);
    }
  });

  test(`${name}: the tasks and files it names are there`, () => {
    const commands = steps.map(({ run = "" }) => run).join("\n");
    for (const [, task = ""] of commands.matchAll(/deno task ([\w:]+)/g)) {
      const found = Object.keys(tasks).filter((one) => one.startsWith(task));
      assert.ok(tasks[task] || (task.endsWith(":") && found.length > 0), `deno task ${task}`);
    }
    for (const [path] of commands.matchAll(/(?<![\w/])(\.ci|scripts)\/[\w./]+/g)) {
      assert.ok(existsSync(join(root, path)), path);
    }
  });

  test(`${name}: shell gets nothing that others can choose but by the environment`, () => {
    for (const { run = "" } of steps) {
      for (const [, what] of run.matchAll(/\$\{\{\s*(.*?)\s*\}\}/g)) {
        assert.match(what ?? "", /^matrix\./);
      }
    }
  });
}
