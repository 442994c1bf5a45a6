import { withRoomFor } from "../async/columns.ts";
import { IdTable } from "../async/id_table.ts";

/** The rows of a table, by message id. */
export class RowNumbers {
  readonly #ids = new IdTable();
  #rows = new Float64Array(1);

  get(messageId: string): number | undefined {
    const place = this.#ids.placeOf(messageId);
    return place === 0 ? undefined : this.#rows[place];
  }

  set(messageId: string, row: number): void {
    const place = this.#ids.add(messageId);
    this.#rows = withRoomFor(this.#rows, place);
    this.#rows[place] = row;
  }

  delete(messageId: string): void {
    const place = this.#ids.placeOf(messageId);
    if (place !== 0) this.#ids.remove(place);
  }
}
