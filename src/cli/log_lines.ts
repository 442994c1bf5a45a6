import process from "node:process";

/**
 * Writes lines to stderr. Nobody need be reading there: a line that cannot be written is lost, and nothing else
 * comes of it.
 */
export function logLines(): (line: string) => void {
  process.stderr.on("error", () => {});
  return (line) => void process.stderr.write(`${line}\n`);
}
