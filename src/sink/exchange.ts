import type { Exchange } from "../observe/picture.ts";
import type { HttpRequest, HttpResponse } from "../runtime/http_client.ts";

interface Answer extends Pick<HttpResponse, "status" | "headers"> {
  /** As much as is kept. */
  readonly body: Uint8Array;
  /** How much was read. */
  readonly bytes: number;
}

/** What those who look inside are told of a request; undefined = it had no answer. */
export function exchangeOf(
  { envelope, attempt }: Pick<Exchange, "envelope" | "attempt">,
  target: string,
  { method, url, path, headers, body }: HttpRequest,
  answer: Answer | undefined,
): Exchange {
  return {
    envelope,
    target,
    attempt,
    request: { method, origin: url.origin, path, headers, body },
    response: answer && {
      status: answer.status,
      headers: Object.entries(answer.headers).flatMap(([name, values = []]) =>
        [values].flat().map((value) => [name, value] as const)
      ),
      body: answer.body,
      bytes: answer.bytes,
    },
  };
}
