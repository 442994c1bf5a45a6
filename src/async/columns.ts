type Column = Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** The column, or a larger one with what is in it: there is room at `index`. */
export function withRoomFor<C extends Column>(column: C, index: number): C {
  if (index < column.length) return column;
  const Kind = column.constructor as new (length: number) => C;
  const larger = new Kind(Math.max(index + 1, column.length * 2));
  larger.set(column);
  return larger;
}
