/** The real program on a real terminal: in a tmux of its own, keys sent, the screen read. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { shellWord } from "../../src/cli/quoting.ts";
import type { TestContext } from "./cleanup.ts";
import { programCommand, programEnv } from "./program.ts";

/** Why tests that need tmux are skipped here; undefined when they are not. */
export const noTmux: string | undefined =
  spawnSync("tmux", ["-V"], { stdio: "ignore" }).status === 0
    ? undefined
    : "no tmux on this machine: apt-get install tmux";

export interface Pane {
  /** Keys as tmux names them ("Enter", "Up", "q"), or text. */
  press(...keys: string[]): void;
  /** What is on the screen; with `styles` the escape sequences of its looks too. */
  screen(styles?: "styles"): string;
  /** Resolves with the first screen that the pattern is in. */
  until(pattern: RegExp): Promise<string>;
  resize(columns: number, rows: number): void;
  /** The terminal takes nothing more of what is drawn; until the result is called. */
  stall(): () => void;
  /** Closes the terminal, as a person who closes its window. */
  hangUp(): void;
}

/** `shell` wraps the program's command, as in (command) => `${command} | cat`. Afterwards the pane shows `exit N`. */
export function startPane(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  shell: (command: string) => string = (command) => command,
): Pane {
  const folder = mkdtempSync(join(tmpdir(), "tmux-"));
  const socket = join(folder, "socket");
  const tmux = (...words: string[]) => {
    const { stdout, stderr, status } = spawnSync("tmux", [
      "-S",
      socket,
      "-f",
      "/dev/null",
      ...words,
    ], {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: folder,
        LANG: "C.UTF-8",
        TERM: "xterm-256color",
      },
    });
    if (status !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`);
    return stdout;
  };
  const given = Object.entries({ ...programEnv(folder), ...env });
  const command = shell(programCommand(args).map(shellWord).join(" "));
  tmux(
    ...["new-session", "-d", "-x", "100", "-y", "24"],
    `env -i TERM="$TERM" ${
      given.map(([name, value]) => shellWord(`${name}=${value}`)).join(" ")
    } ` +
      `sh -c ${shellWord(`trap : INT; ${command}; echo "exit $?"; exec cat`)}`,
  );
  // A client in control mode tells whenever something is drawn.
  const client = spawn("tmux", ["-S", socket, "-C", "attach"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", LANG: "C.UTF-8" },
  });
  const gone = once(client, "close");
  const looking = new Set<() => void>();
  createInterface({ input: client.stdout }).on("line", () => looking.forEach((look) => look()));
  const serverPid = Number(tmux("display-message", "-p", "#{pid}"));
  let isUp = true;
  const hangUp = () => {
    if (isUp) tmux("kill-server");
    isUp = false;
  };
  t.defer(async () => {
    hangUp();
    client.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  const screen = (styles?: "styles") => tmux("capture-pane", "-p", ...(styles ? ["-e"] : []));
  return {
    press: (...keys) => void tmux("send-keys", ...keys),
    screen,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const text = screen();
          if (!pattern.test(text)) return;
          looking.delete(look);
          resolve(text);
        };
        looking.add(look);
        void gone.then(() => reject(new Error(`the terminal has gone; awaited ${pattern}`)));
        look();
      }),
    resize: (columns, rows) =>
      void tmux("resize-window", "-x", String(columns), "-y", String(rows)),
    stall() {
      process.kill(serverPid, "SIGSTOP");
      const goOn = () => void process.kill(serverPid, "SIGCONT");
      t.defer(() => isUp && goOn());
      return goOn;
    },
    hangUp,
  };
}
