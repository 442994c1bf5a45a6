/** The real program with a configuration file that a test changes while it runs. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "./cleanup.ts";
import { type Program, startProgram } from "./program.ts";

const statusToken = "status-t0ken";

/** As an editor does it: the new file takes the place of the old. */
export function write(path: string, content: unknown): void {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** What can be asked of the program that runs. */
export interface Configured {
  /** Of the file. */
  readonly path: string;
  readonly program: Program;
  /** Of its status server. */
  readonly url: string;
  /** Writes the file anew, with these settings above those of the beginning. */
  configure(more: Record<string, unknown>): void;
  reload(): Promise<Response>;
  /** Asks a control route, `pause` for one, with the status token. */
  control(route: string): Promise<Response>;
  metric(name: string): Promise<number>;
}

/** `hookferry connect` with these settings in its file, once it is connected. */
export async function startConfigured(
  t: TestContext,
  content: Record<string, unknown>,
): Promise<Configured> {
  const path = join(t.folder(), "connector.json");
  const base = {
    channel: "dev",
    status_listen: "127.0.0.1:0",
    status_token: statusToken,
    log_level: "debug",
    reconnect_delay: 0.02,
    journal: "memory",
  };
  const configure = (more: Record<string, unknown>) =>
    write(path, { ...base, ...content, ...more });
  configure({});
  const program = startProgram(t, ["connect", "--config", path]);
  const listening = JSON.parse(await program.line(/"status\.listening"/)) as { url: string };
  await program.line(/"stream\.connected"/);
  const control = (route: string) =>
    fetch(`${listening.url}/-/${route}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${statusToken}` },
    });
  const reload = () => control("reload");
  const metric = async (name: string) => {
    const text = await (await fetch(`${listening.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  };
  return { path, program, url: listening.url, configure, reload, control, metric };
}
