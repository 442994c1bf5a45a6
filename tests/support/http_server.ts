import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "./test.ts";

/** A plain HTTP server on loopback that is told by the test what to answer. */
export async function startHttpServer(
  t: TestContext,
  listener: http.RequestListener = () => {},
): Promise<{ readonly server: http.Server; readonly url: string }> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
