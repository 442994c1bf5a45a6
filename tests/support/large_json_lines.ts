/** What is made of a large JSON text here, a line each: the end of a value, a compact one, what a string stands for. */
import { compactJson } from "../../src/protocol/compact_json.ts";
import { splitObject } from "../../src/protocol/json_bytes.ts";
import { stringBytes } from "../../src/protocol/json_escapes.ts";
import { endOfLarge } from "../../src/protocol/large_json.ts";

const list = `[${'{"a" : "\\u00e9 \\" \\n"} , '.repeat(100)}0]`;
const given = new TextEncoder().encode(`{"body":${JSON.stringify(list)},"list":${list}}`);
const { members: { list: value, body } } = splitObject(given, ["list", "body"]);
const text = (bytes: Uint8Array = new Uint8Array()) => new TextDecoder().decode(bytes);

export const looksAtBytes = endOfLarge(given, 0) === undefined;
export const lines = [
  text(value?.bytes),
  // What is compact is written over what was not.
  text(value && compactJson(value.bytes).bytes),
  text(body && stringBytes(body.bytes, body.isLoose)),
];
if (import.meta.main) console.log(JSON.stringify({ looksAtBytes, lines }));
