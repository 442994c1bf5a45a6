/**
 * What a module of WebAssembly exports, from its bytes in Base64; `null` = it does not run here: on a processor without
 * vectors of 16 bytes, or in a runtime that may not make machine code.
 */
export function wasmInstance<Exports>(base64: string): Exports | null {
  try {
    const module = new WebAssembly.Module(Uint8Array.fromBase64(base64));
    return new WebAssembly.Instance(module).exports as unknown as Exports;
  } catch {
    return null;
  }
}
