/** The fields of a protobuf message by number, each as often as it came: lengths as bytes, all else as numbers. */
export interface ProtobufFields {
  numbers(field: number): bigint[];
  bytes(field: number): Uint8Array[];
  messages(field: number): ProtobufFields[];
  /** The first one; "" without one. */
  text(field: number): string;
  hex(field: number): string;
}

/** Reads a message (protobuf.dev, "Encoding"): varints, lengths, and numbers of 64 and 32 bits. */
export function readProtobuf(message: Uint8Array): ProtobufFields {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const found: [field: number, value: bigint | Uint8Array][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => message.subarray(at, at += length);
  const readers: Record<number, () => bigint | Uint8Array> = {
    0: varint,
    1: () => view.getBigUint64((at += 8) - 8, true),
    2: () => take(Number(varint())),
    5: () => BigInt(view.getUint32((at += 4) - 4, true)),
  };
  while (at < message.byteLength) {
    const tag = Number(varint());
    const read = readers[tag & 7];
    if (!read) throw new Error(`no wire type of protobuf: ${tag & 7}`);
    found.push([tag >> 3, read()]);
  }
  const of = (field: number) => found.filter(([one]) => one === field).map(([, value]) => value);
  const bytes = (field: number) => of(field).filter((value) => typeof value !== "bigint");
  const first = (field: number) => Buffer.from(bytes(field)[0] ?? []);
  return {
    bytes,
    numbers: (field) => of(field).filter((value) => typeof value === "bigint"),
    messages: (field) => bytes(field).map(readProtobuf),
    text: (field) => first(field).toString(),
    hex: (field) => first(field).toString("hex"),
  };
}
