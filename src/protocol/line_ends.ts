/** Where lines end in bytes: found by WebAssembly (wasm/line_ends.as.ts), or in a text of them. */
import { lineEndsWasm } from "./line_ends_wasm.ts";
import { wasmInstance } from "./wasm_instance.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface LineEnds {
  /** So many bytes are looked through at once. */
  readonly maxBytes: number;
  /** How many CR and LF there are in them; where they are is in `places` until the next call. */
  find(bytes: Bytes): number;
  readonly places: ArrayLike<number>;
}

let known: LineEnds | undefined;

/** There is one for all. */
export function lineEnds(): LineEnds {
  return known ??= byMachine() ?? inText();
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly roomBytes: { readonly value: number };
  readonly inputAt: { readonly value: number };
  readonly outputAt: { readonly value: number };
  find(length: number): number;
}

function byMachine(): LineEnds | undefined {
  const exports = wasmInstance<Exports>(lineEndsWasm);
  if (!exports) return undefined;
  const memory = new Uint8Array(exports.memory.buffer);
  const input = exports.inputAt.value;
  return {
    maxBytes: exports.roomBytes.value,
    places: new Int32Array(exports.memory.buffer, exports.outputAt.value, exports.roomBytes.value),
    find(bytes) {
      memory.set(bytes, input);
      return exports.find(bytes.length);
    },
  };
}

/** Engines look through a text, a character for each byte, faster than through bytes. */
export function inText(): LineEnds {
  const places: number[] = [];
  return {
    maxBytes: Infinity,
    places,
    find({ buffer, byteOffset, byteLength }) {
      const text = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
      let count = 0;
      // A CR is rare: where the next one is gets looked up once, not once a line.
      let cr = indexOr(text, "\r", 0);
      let lf = indexOr(text, "\n", 0);
      for (let at = Math.min(cr, lf); at < text.length; at = Math.min(cr, lf)) {
        places[count++] = at;
        if (at === cr) cr = indexOr(text, "\r", at + 1);
        else lf = indexOr(text, "\n", at + 1);
      }
      return count;
    },
  };
}

function indexOr(text: string, char: string, from: number): number {
  const found = text.indexOf(char, from);
  return found === -1 ? text.length : found;
}
