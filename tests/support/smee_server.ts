import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "./cleanup.ts";

/** smee.io: a stream at the channel's URL. gosmee: a page there, and the stream below /events/. */
export type SmeeKind = "smee.io" | "gosmee";

export interface SmeeServer {
  /** Of the channel: what a user is given. */
  readonly url: string;
  /** Takes a webhook as such a server does: broadcast to who is connected, kept by nobody. */
  post(
    body: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
    query?: Readonly<Record<string, string | string[]>>,
  ): void;
  /** Sends an event as it is given to all that are connected. */
  event(lines: readonly string[]): void;
  /** Resolves when the n-th stream was opened. */
  opened(n: number): Promise<void>;
  /** Headers of the stream requests. */
  readonly requests: readonly http.IncomingHttpHeaders[];
  /** Breaks all open streams off. */
  cut(): void;
  /** What the next stream requests are answered with; undefined = a stream. */
  refuseWith(status: number | undefined, headers?: http.OutgoingHttpHeaders, body?: string): void;
}

export const smeePath = "aBcDeF0123456789";

/** A small server that speaks as smee.io or gosmee does. */
export async function startSmeeServer(t: TestContext, kind: SmeeKind): Promise<SmeeServer> {
  const open = new Set<http.ServerResponse>();
  const requests: http.IncomingHttpHeaders[] = [];
  const waiters: { n: number; resolve: () => void }[] = [];
  let opened = 0;
  let refuse: ((response: http.ServerResponse) => void) | undefined;
  let ids = 0;
  const streamPath = kind === "gosmee" ? `/events/${smeePath}` : `/${smeePath}`;
  const server = http.createServer((request, response) => {
    if (request.url !== streamPath) {
      const isPage = request.url === `/${smeePath}`;
      return void response.writeHead(isPage ? 200 : 404, { "Content-Type": "text/html" })
        .end(isPage ? "<p>a page for people" : "");
    }
    requests.push(request.headers);
    if (refuse) return refuse(response);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    open.add(response);
    response.on("close", () => open.delete(response));
    response.write(
      kind === "gosmee"
        ? 'data: {"message":"connected"}\n\ndata: {"message":"ready"}\n\n: keepalive\n\n'
        : `id: ${ids++}\nevent: ready\ndata: {}\n\nevent: ping\ndata: {}\n\n`,
    );
    opened++;
    for (const { n, resolve } of waiters) if (opened >= n) resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const event = (lines: readonly string[]) => {
    for (const response of open) response.write(`${lines.join("\n")}\n\n`);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${smeePath}`,
    requests,
    event,
    post(body, headers = {}, query = {}) {
      const bytes = Buffer.from(body);
      const timestamp = Date.now();
      const content = kind === "gosmee"
        ? { ...headers, timestamp: String(timestamp), bodyB: bytes.toString("base64") }
        : { ...headers, body: JSON.parse(bytes.toString()), query, timestamp };
      const data = `data: ${JSON.stringify(content)}`;
      event(kind === "gosmee" ? [data] : [`id: ${ids++}`, data]);
    },
    opened: (n) =>
      opened >= n ? Promise.resolve() : new Promise((resolve) => waiters.push({ n, resolve })),
    cut() {
      for (const response of open) response.destroy();
    },
    refuseWith(status, headers = {}, body = "no") {
      refuse = status === undefined
        ? undefined
        : (response) => void response.writeHead(status, headers).end(body);
    },
  };
}
