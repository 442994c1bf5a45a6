import { spawn } from "node:child_process";
import process from "node:process";

/** Who started us and wants to hear how we are: systemd, by its notify protocol. */
export interface ServiceManager {
  /** How often it wants to hear that we live, milliseconds; undefined = it does not. */
  readonly watchdogMs: number | undefined;
  /** Sends assignments such as `READY=1`, in order; never throws. */
  tell(...assignments: readonly string[]): void;
  /** Resolves when all that was told is sent. */
  close(): Promise<void>;
}

/**
 * Undefined when nobody asks (no NOTIFY_SOCKET). The socket takes datagrams, which neither node:dgram nor node:net
 * can send: `systemd-notify`, which every machine with systemd has, does. `onFailed` is told once; then nothing
 * more is tried.
 */
export function serviceManager(onFailed: (why: string) => void): ServiceManager | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (!NOTIFY_SOCKET) return undefined;
  const watchdogMs = Number(WATCHDOG_USEC) / 1000;
  const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  let isBroken = false;
  let sent = Promise.resolve();

  async function send(assignments: readonly string[]): Promise<void> {
    if (isBroken) return;
    try {
      await run(assignments);
    } catch (error) {
      isBroken = true;
      onFailed(error instanceof Error ? error.message : String(error));
    }
  }

  return {
    watchdogMs: isMeant && watchdogMs > 0 ? watchdogMs : undefined,
    tell: (...assignments) => void (sent = sent.then(() => send(assignments))),
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
