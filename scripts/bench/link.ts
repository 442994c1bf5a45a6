/**
 * The HTTP client of the link to the relay against the runtime's own `fetch` and `node:http`: acknowledgements, one at a
 * time and eight, with the CPU time of a request, and an event stream; and that client without a `Response` around it, as
 * deliveries use it. The server is in another process. Five interleaved
 * rounds, medians.
 *
 *   deno task bench link        (or: bun scripts/bench/link.ts)
 */
import { spawn } from "node:child_process";
import http from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { createFetch, type FetchInit } from "../../src/runtime/fetch.ts";
import { createHttpClient } from "../../src/runtime/http_client.ts";
import { boundedText } from "../../src/transport/bounded_text.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";

/** What is asked of a client. */
interface Answer {
  text(): Promise<string>;
  readonly body: AsyncIterable<Uint8Array> | null;
}
type Client = (url: URL, init: FetchInit) => Promise<Answer>;

const posts = 4_000;
const streamBytes = 256 * 1024 * 1024;
const rounds = 5;
const encoder = new TextEncoder();
const agent = new http.Agent({ keepAlive: true });

if (process.argv[2] === "serve") await serve();
else await measure();

async function serve() {
  const chunk = Buffer.alloc(64 * 1024, `data: ${"x".repeat(200)}\n\n`);
  const server = http.createServer(async (request, response) => {
    if (request.method === "POST") {
      for await (const _ of request);
      return void response.end(`{"status":"ok"}`);
    }
    for (let sent = 0; sent < streamBytes; sent += chunk.length) {
      if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  console.log((server.address() as AddressInfo).port);
}

async function measure() {
  const args = "Deno" in globalThis ? ["run", "-A"] : [];
  const server = spawn(process.execPath, [...args, import.meta.filename ?? "", "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: server.stdout });
  const port = await new Promise<string>((resolve) => lines.once("line", resolve));
  const url = new URL(`http://127.0.0.1:${port}/`);
  const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };
  const ours = createFetch({ tls, proxy: undefined });
  const beneath = createHttpClient({ tls }, () => 8);
  const clients: Record<string, Client> = {
    "the runtime's fetch": (to, { signal, ...init }) =>
      fetch(to, { ...init, signal: signal as AbortSignal, redirect: "manual" }),
    "node:http": overNodeHttp,
    async "our client"(to, init) {
      const response = await ours.fetch(to, init);
      return { body: response.body, text: () => boundedText(response) };
    },
    async "our client, of a delivery"(url, { method, headers = {}, body = "", signal }) {
      const request = { method, url, path: url.pathname, headers: Object.entries(headers) };
      const answer = await beneath.request({ ...request, body: encoder.encode(body) }, signal);
      return {
        body: answer.body,
        async text() {
          if (!answer.body.takeWhole()) { for await (const _ of answer.body); }
          return "";
        },
      };
    },
  };
  const found = Object.entries(clients).map(([name, client]) => ({
    ...{ name, client },
    ...{ one: [] as number[], eight: [] as number[], cpu: [] as number[], stream: [] as number[] },
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { client, one, eight, cpu, stream } of found) {
      one.push(posts / await secondsOf(() => post(client, url, 1)));
      const before = process.cpuUsage();
      eight.push(posts / await secondsOf(() => post(client, url, 8)));
      const { user, system } = process.cpuUsage(before);
      cpu.push((user + system) / posts);
      stream.push(streamBytes / await secondsOf(() => read(client, url)) / 1024 / 1024);
    }
  }
  const rows = found.map(({ name, one, eight, cpu, stream }) => ({
    client: name,
    "acks/s, one at a time": median(one).toFixed(0),
    "eight at a time": median(eight).toFixed(0),
    "CPU µs each": median(cpu).toFixed(0),
    "stream MiB/s": median(stream).toFixed(0),
  }));
  report("link", ownRuntime, rows, rows);
  ours.close();
  beneath.close();
  server.kill();
}

/** No more of it than is measured. */
function overNodeHttp(url: URL, { method, headers, body }: FetchInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      url,
      { method, headers, agent },
      (response) =>
        resolve(new Response(Readable.toWeb(response) as ReadableStream<Uint8Array<ArrayBuffer>>)),
    );
    request.on("error", reject);
    request.end(body);
  });
}

async function secondsOf(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

async function post(client: Client, url: URL, workers: number): Promise<void> {
  let left = posts;
  const signal = new AbortController().signal;
  const body = `{"acks":["${"m".repeat(100)}"]}`;
  await Promise.all(Array.from({ length: workers }, async () => {
    while (left-- > 0) {
      const response = await client(url, { method: "POST", headers: { a: "b" }, body, signal });
      await response.text();
    }
  }));
}

async function read(client: Client, url: URL): Promise<void> {
  const signal = new AbortController().signal;
  const response = await client(url, { method: "GET", headers: {}, signal });
  for await (const _ of response.body ?? []);
}
