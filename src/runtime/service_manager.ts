import { spawn } from "node:child_process";
import process from "node:process";

/** Who started us and wants to hear how we are: systemd, by its notify protocol. */
export interface ServiceManager {
  /** How often it wants to hear that we live, milliseconds; undefined = it does not. */
  readonly watchdogMs: number | undefined;
  /**
   * Sends assignments such as `READY=1`, in order; never throws. What cannot be sent goes with what is told next, unless
   * that says it anew.
   */
  tell(...assignments: readonly string[]): void;
  /** Resolves when all that was told is sent, or was tried. */
  close(): Promise<void>;
}

/**
 * Undefined when nobody asks (no NOTIFY_SOCKET). The socket takes datagrams, which neither node:dgram nor node:net
 * can send: `systemd-notify`, which every machine with systemd has, does. Without its `--no-block`: it may be gone by
 * then, and systemd could not tell whose word it was. `onFailed` is told once.
 */
export function serviceManager(onFailed: (why: string) => void): ServiceManager | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (!NOTIFY_SOCKET) return undefined;
  const watchdogMs = Number(WATCHDOG_USEC) / 1000;
  const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  let hasFailed = false;
  /** By the variable, the newest of each. */
  let untold = new Map<string, string>();
  let sent = Promise.resolve();

  async function send(): Promise<void> {
    if (untold.size === 0) return; // it went with another
    const now = untold;
    untold = new Map();
    try {
      await run([...now.values()]);
    } catch (error) {
      untold = new Map([...now, ...untold]);
      if (hasFailed) return;
      hasFailed = true;
      onFailed(error instanceof Error ? error.message : String(error));
    }
  }

  return {
    watchdogMs: isMeant && watchdogMs > 0 ? watchdogMs : undefined,
    tell(...assignments) {
      for (const each of assignments) untold.set(each.slice(0, each.indexOf("=")), each);
      sent = sent.then(send);
    },
    close: () => sent,
  };
}

/** Resolves when systemd has them. */
function run(assignments: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("systemd-notify", [...assignments], { stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`systemd-notify ended with ${code}`));
    });
  });
}
