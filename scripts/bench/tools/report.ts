/** How a benchmark tells what it found: a table, and JSON beside it in dist/bench. */
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { repository } from "./runtimes.ts";

export function report(
  name: string,
  chosen: string,
  rows: readonly Record<string, string>[],
  results: unknown,
): void {
  const machine = `${os.cpus().length} x ${os.cpus()[0]?.model ?? "?"}`;
  console.log(`${name} ${chosen}: ${machine}, Linux ${os.release()}, Deno 2.9.6, Bun 1.4.5`);
  console.log(tableOf(rows));
  const folder = join(repository, "dist/bench");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${[name, ...chosen.split(" ").filter(Boolean)].join("-")}.json`);
  writeFileSync(file, JSON.stringify({ name, chosen, machine, results }, null, 1));
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
