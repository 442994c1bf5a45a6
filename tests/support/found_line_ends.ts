/** How line ends are looked for here, and where they are in a text. */
import { inText, lineEnds } from "../../src/protocol/line_ends.ts";

const text = "data: a\r\ndata: \u010d\u0a0a\u0d0d\n\r\r\n\n: the end";
const ends = lineEnds();
const count = ends.find(new TextEncoder().encode(text));

export const isInText = ends.maxBytes === inText().maxBytes;
export const found = Array.from({ length: count }, (_, i) => ends.places[i]);
if (import.meta.main) console.log(JSON.stringify({ isInText, found }));
