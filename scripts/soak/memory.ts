import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "../../tests/support/cleanup.ts";
import { startCountingTarget } from "../../tests/support/counting_target.ts";
import type { Tally } from "../../tests/support/journey.ts";
import { startProgram } from "../../tests/support/program.ts";
import { type Resident, residentOf } from "../process_figures.ts";
import { startScriptedSource } from "./source.ts";

/**
 * What the connector may come to. It grows until it remembers as many finished ids as it may (100,000) and the
 * collector has found its pace, to some 360 MiB on Deno; from then on it must be flat. Of a million messages of
 * 1 KiB a sixth of each that stayed behind would break it.
 */
export const ceilingMib = 512;

export interface MemoryTally extends Tally {
  readonly messagesPerSecond: number;
  /** The most messages that were on their way at a time: in hand and in the sockets. */
  readonly mostOpen: number;
  readonly mibAtTenth: number;
  readonly mibAtEnd: number;
  readonly peakMib: number;
  readonly ceilingMib: number;
}

const bodyBytes = 1024;
const maxConcurrentRequests = 10;
const sampleEveryMs = 1_000;

/**
 * `messages` of 1 KiB through a connector with its journal on disk. The target answers at once, but from 45 % on,
 * for a tenth of the messages (10,000 at most), ten times slower than they came until then.
 */
export async function memoryRun(
  t: TestContext,
  messages: number,
  onProgress: (text: string) => void,
): Promise<MemoryTally> {
  const slowFrom = Math.floor(messages * 0.45);
  const slowTo = slowFrom + Math.min(10_000, Math.ceil(messages / 10));
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  let answerAfterMs = 0;
  const target = await startCountingTarget(t, {
    hold() {
      const came = target.requests.size;
      if (came <= slowFrom || came > slowTo) return undefined;
      const perSecond = slowFrom / seconds();
      if (came === slowFrom + 1) answerAfterMs = 10 * maxConcurrentRequests / perSecond * 1000;
      return new Promise((resolve) => setTimeout(resolve, answerAfterMs));
    },
  });
  const source = await startScriptedSource(t, messages, bodyBytes);
  const folder = mkdtempSync(join(tmpdir(), "soak-"));
  t.defer(() => rmSync(folder, { recursive: true }));
  const connector = startProgram(t, [
    ...["connect", "--cloud-url", source.url, "--channel", "dev"],
    ...["--target-url", target.url.href, "--protocol", "websocket", "--status-listen", "off"],
    ...["--log-level", "error", "--journal", `sqlite:${folder}`],
    ...["--max-concurrent-requests", String(maxConcurrentRequests)],
  ], { CONNECTOR_TOKEN: "s3cret" });

  let mibAtTenth = 0;
  const sampling = setInterval(() => {
    const { mib, peakMib } = rounded(residentOf(connector.pid));
    if (mibAtTenth === 0 && source.acked.size >= messages / 10) mibAtTenth = mib;
    onProgress(`${source.acked.size} of ${messages} acked, ${mib} MiB, peak ${peakMib} MiB`);
  }, sampleEveryMs);
  t.defer(() => clearInterval(sampling));
  await source.finished(connector.ended);
  const duration = seconds();
  const { mib, peakMib } = rounded(residentOf(connector.pid));
  connector.terminate();
  assert.equal(await connector.ended, 0, connector.stderr.join("\n"));
  return {
    sent: source.sent,
    delivered: target.requests.size,
    acked: source.acked.size,
    duplicates: target.duplicates,
    lost: source.sent - target.requests.size,
    messagesPerSecond: Math.round(messages / duration),
    mostOpen: source.mostOpen,
    mibAtTenth,
    mibAtEnd: mib,
    peakMib,
    ceilingMib,
  };
}

function rounded({ mib, peakMib }: Resident) {
  return { mib: Math.round(mib), peakMib: Math.round(peakMib) };
}
