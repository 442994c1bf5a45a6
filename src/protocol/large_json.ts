/** Large JSON texts, looked through by WebAssembly: wasm/large_json.as.ts. */
import { largeJsonWasm } from "./large_json_wasm.ts";
import { wasmInstance } from "./wasm_instance.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** For what is shorter the way there and back costs more than it saves. */
export const leastLarge = 512;

const quote = 0x22;
/** What is written at once; of a value that may be a short one in a large text the beginning comes alone. */
const firstBytes = 1024;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly roomBytes: { readonly value: number };
  readonly inputAt: { readonly value: number };
  readonly outputAt: { readonly value: number };
  readonly isOver: { readonly value: number };
  readonly isLoose: { readonly value: number };
  readonly isBroken: { readonly value: number };
  readonly written: { readonly value: number };
  begin(isText: boolean): void;
  scan(length: number, isText: boolean): number;
  rewrite(length: number, isLast: boolean, isText: boolean): number;
}

interface Machine {
  readonly exports: Exports;
  readonly memory: Bytes;
  readonly input: number;
  readonly output: number;
  readonly room: number;
}

/** `null` = there is none here. */
let known: Machine | null | undefined;

function theMachine(): Machine | null {
  if (known === undefined) known = started();
  return known;
}

function started(): Machine | null {
  const exports = wasmInstance<Exports>(largeJsonWasm);
  return exports && {
    exports,
    memory: new Uint8Array(exports.memory.buffer),
    input: exports.inputAt.value,
    output: exports.outputAt.value,
    room: exports.roomBytes.value,
  };
}

/** A value that was made compact. */
export interface Compact {
  /** A view on the text, from where the value began. */
  readonly bytes: Bytes;
  /** Where in the text it ended. */
  readonly end: number;
}

/** Where a value ends, and whether there is white space or an escape in it. */
export interface End {
  readonly end: number;
  readonly isLoose: boolean;
}

/** Of the object, the list or the string at `start`; undefined where its bytes have to be looked at one by one. */
export function endOfLarge(bytes: Bytes, start: number): End | undefined {
  const machine = theMachine();
  if (!machine) return undefined;
  const { exports, memory, input, room } = machine;
  const isText = bytes[start] === quote;
  exports.begin(isText);
  let at = isText ? start + 1 : start;
  for (let size = firstBytes; at < bytes.length && !exports.isOver.value; size = room) {
    const part = bytes.subarray(at, at + size);
    memory.set(part, input);
    at += exports.scan(part.length, isText);
  }
  return exports.isBroken.value ? undefined : { end: at, isLoose: exports.isLoose.value !== 0 };
}

/** `compactJson` of it; undefined where there is no WebAssembly. */
export function compactLarge(bytes: Bytes, start: number): Compact | undefined {
  return rewritten(bytes, start, false);
}

/** `unescapePlainly` of it; undefined where there is no WebAssembly. */
export function unescapeLarge(bytes: Bytes): Bytes | undefined {
  return rewritten(bytes, 0, true)?.bytes;
}

/** Part by part, over what was read: what is written is never longer. */
function rewritten(bytes: Bytes, start: number, isText: boolean): Compact | undefined {
  const machine = theMachine();
  if (!machine) return undefined;
  const { exports, memory, input, output, room } = machine;
  exports.begin(isText);
  let to = start;
  for (let at = start;;) {
    const part = bytes.subarray(at, at + room);
    const isLast = at + part.length === bytes.length;
    memory.set(part, input);
    at += exports.rewrite(part.length, isLast, isText);
    const { value: written } = exports.written;
    bytes.set(memory.subarray(output, output + written), to);
    to += written;
    if (isLast || exports.isOver.value) return { bytes: bytes.subarray(start, to), end: at };
  }
}
