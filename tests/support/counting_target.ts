import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "./cleanup.ts";

export interface CountingTarget {
  readonly url: URL;
  /** Requests that came, by message id. */
  readonly requests: ReadonlyMap<string, number>;
  /** Requests that were answered. */
  readonly answered: number;
  /** Requests beyond the first for their message. */
  readonly duplicates: number;
}

export interface CountingOptions {
  /** A request has come in full; it is counted already and not yet answered. */
  readonly onArrived?: (messageId: string) => void;
  /** A request's answer has been written. */
  readonly onAnswered?: () => void;
  /** Resolves when a request is to be answered; at once when nothing is said. */
  readonly hold?: (messageId: string) => Promise<void> | undefined;
}

/** A real HTTP target on loopback that answers 200 and knows how often each message came. */
export async function startCountingTarget(
  t: TestContext,
  { onArrived, onAnswered, hold }: CountingOptions = {},
): Promise<CountingTarget> {
  const requests = new Map<string, number>();
  let duplicates = 0;
  let answered = 0;
  const server = http.createServer((request, response) => {
    response.on("finish", () => {
      answered++;
      onAnswered?.();
    });
    request.resume().on("end", async () => {
      const id = String(request.headers["x-webhook-message-id"]);
      const before = requests.get(id) ?? 0;
      if (before > 0) duplicates++;
      requests.set(id, before + 1);
      onArrived?.(id);
      const held = hold?.(id);
      if (held) await held;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    requests,
    get answered() {
      return answered;
    },
    get duplicates() {
      return duplicates;
    },
  };
}
