import http from "node:http";
import https from "node:https";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestContext } from "./cleanup.ts";
import { certPath } from "./tls_front.ts";

export interface ConnectProxy {
  readonly url: string;
  /** "CONNECT host:port" or "POST http://host/path" of each request. */
  readonly asked: readonly string[];
  /** Of each request, what it authorized itself with. */
  readonly authorizations: readonly (string | undefined)[];
  /** Cuts every connection through it. */
  cut(): void;
}

/**
 * A real HTTP proxy. Whatever host it is asked for, it connects to this machine, at the port asked for: so a test can
 * use names that only the proxy can resolve.
 */
export async function startConnectProxy(
  t: TestContext,
  { user, refuse, secure = false }: {
    /** "name:password" that must be given. */
    readonly user?: string;
    /** What a CONNECT is answered, in place of being passed on. */
    readonly refuse?: () => number | undefined;
    readonly secure?: boolean;
  } = {},
): Promise<ConnectProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const isRefused = (request: http.IncomingMessage) => {
    const given = request.headers["proxy-authorization"];
    asked.push(`${request.method} ${request.url}`);
    authorizations.push(given);
    return user !== undefined && given !== `Basic ${Buffer.from(user).toString("base64")}`;
  };
  const forward: http.RequestListener = (request, response) => {
    if (isRefused(request)) return void response.writeHead(407).end();
    const { port, pathname, search } = new URL(request.url ?? "");
    const { "proxy-authorization": _, ...headers } = request.headers;
    const onward = http.request({
      host: "127.0.0.1",
      ...{ port, path: pathname + search, method: request.method, headers, agent: false },
    }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
      answer.on("error", () => request.socket.destroy());
    });
    onward.on("error", () => request.socket.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  };
  const pem = (name: string) => readFileSync(certPath(name), "utf8");
  const server = secure
    ? https.createServer({ cert: pem("server"), key: pem("server_key") }, forward)
    : http.createServer(forward);
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("connect", (request, outer: Socket) => {
    outer.on("error", () => {});
    const status = isRefused(request) ? 407 : refuse?.();
    if (status !== undefined) return void outer.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const port = Number(/:(\d+)$/.exec(request.url ?? "")?.[1]);
    const inner = connect({ port, host: "127.0.0.1" }, () => {
      outer.write("HTTP/1.1 200 Connected\r\n\r\n");
      inner.pipe(outer);
      outer.pipe(inner);
    });
    inner.on("error", () => outer.destroy());
    inner.on("close", () => outer.destroy());
    outer.on("close", () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.defer(() => {
    cut();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: secure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    asked,
    authorizations,
    cut,
  };
}
