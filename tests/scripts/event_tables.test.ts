import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { codeRows, eventRows, eventsPage } from "../../scripts/event_tables.ts";
import { test } from "../support/test.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const events = `
export interface About {
  readonly messageId: string;
  readonly traceId?: string;
}

export type SomeEvent =
  /** It broke. */
  | {
    readonly type: "a.broke";
    readonly reason: Reason;
    /** Not about the event. */
    readonly waiting?: { readonly messages: number; readonly ageMs: number };
  }
  /** Of a message. */
  | About & {
    readonly type: "a.came";
    readonly bytes: number;
  }
  | { readonly type: "a.mended"; readonly by: "hand" | "itself" };
`;
const levels = `
    case "a.broke":
      return event.reason.code === "info" ? "error" : "warning";
    case "a.came":
    case "a.mended":
      return "info";
`;

test("the table of events tells name, levels, fields with types, and what the union says of it", () => {
  assert.deepEqual(eventRows({ events, levels }), [
    {
      name: "a.broke",
      levels: ["error", "warning"],
      fields: ["reason: Reason", "waiting?: { messages: number; ageMs: number }"],
      about: "It broke.",
    },
    {
      name: "a.came",
      levels: ["info"],
      fields: ["messageId: string", "traceId?: string", "bytes: number"],
      about: "Of a message.",
    },
    { name: "a.mended", levels: ["info"], fields: ['by: "hand" | "itself"'], about: "" },
  ]);
  assert.throws(() => eventRows({ events, levels: "" }), /a\.broke has no level/);
});

test("docs/EVENTS.md has every event of connector and relay", () => {
  const page = eventsPage(
    { events: read("src/observe/events.ts"), levels: read("src/observe/event_level.ts") },
    { events: read("src/relay/relay_events.ts"), levels: read("src/relay/relay_event_level.ts") },
    read("src/protocol/reason.ts"),
  );
  const source = read("src/observe/events.ts") + read("src/relay/relay_events.ts");
  const names = [...source.matchAll(/readonly type: "([^"]+)"/g)].map(([, name]) => name);
  assert.ok(names.length > 30);
  const rows = [...page.slice(0, page.indexOf("## Reasons")).matchAll(/^\| `([^`]+)`/gm)].map((
    [, name],
  ) => name);
  assert.deepEqual(rows, names);
});

test("the table of reasons has each code with what it means, and fails where one says nothing", () => {
  const text = `
export type Why =
  /** It said no. */
  | "no"
  /**
   * Nobody
   * was there.
   */
  | "gone";
`;
  assert.deepEqual(codeRows("Why", text), [
    { code: "no", about: "It said no." },
    { code: "gone", about: "Nobody was there." },
  ]);
  assert.throws(() => codeRows("Why", 'export type Why = | "no";\n'), /Why no says nothing/);
  assert.throws(() => codeRows("Other", text), /Other/);
  assert.ok(codeRows("ReasonCode", read("src/protocol/reason.ts")).length >= 15);
});
