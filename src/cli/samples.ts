/** Sample webhooks, signed as their providers sign. */
import { randomUUID } from "node:crypto";
import { githubSignature, standardSignature, stripeSignature } from "../protocol/signatures.ts";

export const sampleNames = ["github.push", "stripe", "standard", "plain"] as const;
export type SampleName = typeof sampleNames[number];

export interface Sample {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What `dev` and `send` sign with where nothing else is said: both sides know it, it protects nothing. */
export const sampleSecret = "hookferry-sample-secret";

/** A webhook of that kind, signed with `secret` at `nowMs`. */
export function makeSample(name: SampleName, secret: string, nowMs: number): Sample {
  switch (name) {
    case "github.push":
      return githubPush(secret);
    case "stripe":
      return stripe(secret, nowMs);
    case "standard":
      return standard(secret, nowMs);
    case "plain":
      return { headers: { "Content-Type": "text/plain" }, body: "hello from hookferry\n" };
  }
}

function githubPush(secret: string): Sample {
  const body = JSON.stringify({
    ref: "refs/heads/main",
    repository: { full_name: "octo/ferry" },
    pusher: { name: "octo" },
    commits: [{ id: "0b5e1d3", message: "Carry it across" }],
  });
  return {
    body,
    headers: {
      "Content-Type": "application/json",
      "X-GitHub-Event": "push",
      "X-GitHub-Delivery": randomUUID(),
      "X-Hub-Signature-256": githubSignature(body, secret),
    },
  };
}

function stripe(secret: string, nowMs: number): Sample {
  const seconds = Math.floor(nowMs / 1000);
  const body = JSON.stringify({
    id: `evt_${randomUUID().replaceAll("-", "")}`,
    object: "event",
    type: "payment_intent.succeeded",
    created: seconds,
    livemode: false,
    data: { object: { object: "payment_intent", amount: 2_000, currency: "eur" } },
  });
  return {
    body,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Stripe-Signature": `t=${seconds},v1=${stripeSignature(body, secret, String(seconds))}`,
    },
  };
}

function standard(secret: string, nowMs: number): Sample {
  const id = `msg_${randomUUID().replaceAll("-", "")}`;
  const seconds = String(Math.floor(nowMs / 1000));
  const body = JSON.stringify({
    type: "invoice.paid",
    timestamp: new Date(nowMs).toISOString(),
    data: { invoice: "in_1", amount: "20.00" },
  });
  return {
    body,
    headers: {
      "Content-Type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": seconds,
      "webhook-signature": `v1,${standardSignature(body, secret, id, seconds)}`,
    },
  };
}
