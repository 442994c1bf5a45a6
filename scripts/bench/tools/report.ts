/** How a benchmark tells what it found: a table, and JSON beside it in dist/bench. */
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { repository, versions } from "./runtimes.ts";

export function report(
  name: string,
  chosen: string,
  rows: readonly Record<string, string>[],
  results: unknown,
): void {
  const machine = `${os.cpus().length} x ${os.cpus()[0]?.model ?? "?"}`;
  const runtimes = `Deno ${versions.deno}, Bun ${versions.bun}`;
  const what = [name, ...chosen.split(" ").filter(Boolean)];
  console.log(`${what.join(" ")}: ${machine}, Linux ${os.release()}, ${runtimes}`);
  console.log(tableOf(rows));
  const folder = join(repository, "dist/bench");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${what.join("-")}.json`);
  writeFileSync(file, JSON.stringify({ name, chosen, machine, versions, results }, null, 1));
}

/** Columns in the order in which they first come; figures to the right. */
export function tableOf(rows: readonly Record<string, string>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const widths = columns.map((name) =>
    Math.max(name.length, ...rows.map((row) => (row[name] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))
      .join("  ");
  return [line(columns), ...rows.map((row) => line(columns.map((name) => row[name] ?? "")))]
    .join("\n");
}
