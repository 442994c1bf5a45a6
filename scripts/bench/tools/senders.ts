/** Those who send webhooks to a relay, in this process. */
import http from "node:http";

const body = "x".repeat(1_024);

/** Resolves when the relay has taken it. */
export function post(url: string, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", agent });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 202) resolve();
        else reject(new Error(`answered ${response.statusCode}`));
      });
    });
    request.end(body);
  });
}

/** So many webhooks of 1 KiB by so many at a time; the seconds it took. */
export async function send(url: string, senders: number, messages: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: senders });
  let left = messages;
  const sender = async () => {
    while (left-- > 0) await post(url, agent);
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: senders }, sender));
  agent.destroy();
  return (performance.now() - startedAt) / 1000;
}
