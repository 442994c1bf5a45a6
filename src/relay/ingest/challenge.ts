import { sameText } from "../../protocol/signatures.ts";

/** A question a sender asks before it sends: is this really your URL? */
export type Challenge =
  | { readonly type: "slack" }
  /** WebSub (W3C, section 5.3) and those who do as it does: GET with hub.challenge. */
  | { readonly type: "hub"; readonly verifyToken: string };

/** The text to answer with; undefined when the request is no challenge, or a wrong one. */
export function answerTo(
  challenge: Challenge,
  method: string,
  query: URLSearchParams,
  body: Uint8Array,
): string | undefined {
  switch (challenge.type) {
    case "slack":
      return method === "POST" ? slackChallenge(body) : undefined;
    case "hub":
      if (method !== "GET" || query.get("hub.mode") !== "subscribe") return undefined;
      return sameText(query.get("hub.verify_token") ?? "", challenge.verifyToken)
        ? query.get("hub.challenge") ?? undefined
        : undefined;
  }
}

function slackChallenge(body: Uint8Array): string | undefined {
  try {
    const { type, challenge } = JSON.parse(new TextDecoder().decode(body));
    return type === "url_verification" && typeof challenge === "string" ? challenge : undefined;
  } catch {
    return undefined;
  }
}
