/** Proxies of HTTP before a relay. */
import http from "node:http";
import { startHttpServer } from "./http_server.ts";
import type { TestContext } from "./test.ts";

const page = "<!doctype html><title>We are back soon</title>";

/** Passes requests on, but for those of which `isForeign` says otherwise: they get the page, with this status. */
export function startFront(
  t: TestContext,
  relayUrl: string,
  isForeign: (path: string) => boolean,
  status = 200,
): Promise<string> {
  return startAnsweringFront(t, relayUrl, (request, response) => {
    if (!isForeign(request.url ?? "")) return false;
    request.resume();
    response.writeHead(status, { "Content-Type": "text/html" }).end(page);
    return true;
  });
}

/** Passes requests on, but for those that `answers` says it answers itself. */
export function startAnsweringFront(
  t: TestContext,
  relayUrl: string,
  answers: (request: http.IncomingMessage, response: http.ServerResponse) => boolean,
): Promise<string> {
  return start(t, relayUrl, (answer, response) => answer.pipe(response), answers);
}

/** Passes requests on, and of an answer so many bytes: then it cuts the connection. */
export function startCuttingFront(
  t: TestContext,
  relayUrl: string,
  maxBytes: number,
): Promise<string> {
  return start(t, relayUrl, (answer, response) => {
    let bytes = 0;
    answer.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > maxBytes) response.destroy();
      else response.write(chunk);
    });
    answer.on("end", () => response.end());
  });
}

async function start(
  t: TestContext,
  relayUrl: string,
  pass: (answer: http.IncomingMessage, response: http.ServerResponse) => void,
  answers: (request: http.IncomingMessage, response: http.ServerResponse) => boolean = () => false,
): Promise<string> {
  const { hostname, port } = new URL(relayUrl);
  const { url } = await startHttpServer(t, (request, response) => {
    if (answers(request, response)) return;
    const { method, headers, url: path = "" } = request;
    const inner = http.request({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      pass(answer, response);
    });
    inner.on("error", () => response.destroy());
    response.on("close", () => inner.destroy());
    request.pipe(inner);
  });
  return url;
}
