import { withRoomFor } from "../async/columns.ts";
import { IdTable } from "../async/id_table.ts";
import { PlaceOrder } from "../async/place_order.ts";
import type { Finished } from "../flow.ts";

type FinalOutcome = Finished["outcome"];

const delivered: FinalOutcome = { kind: "delivered" };
const nothing: readonly string[] = [];

/** What is known by a place of whether the relay has been told. */
const none = 0;
const untold = 1;
const told = 2;

/**
 * The messages that are finished, and whether the relay is known to have been told. There may be a hundred thousand of
 * them: none is an object.
 */
export class FinishedMessages {
  readonly #ids = new IdTable();
  /** Those of which the relay is not known to have been told, in order of finishing. */
  readonly #untold = new PlaceOrder();
  /** And the others, in order of telling. */
  readonly #told = new PlaceOrder();
  #states = new Uint8Array(1);
  /** When it was finished or the relay was told, milliseconds since the epoch. */
  #at = new Float64Array(1);
  /** Of those that were not delivered. */
  readonly #rejected = new Map<number, FinalOutcome>();

  /** It is the newest of its kind, whatever was known of it. */
  add({ messageId, outcome, at, confirmed }: Finished): void {
    const place = this.#ids.add(messageId);
    this.#states = withRoomFor(this.#states, place);
    this.#at = withRoomFor(this.#at, place);
    if (this.#states[place] !== none) this.#orderOf(place).remove(place);
    this.#states[place] = confirmed ? told : untold;
    this.#at[place] = at;
    this.#orderOf(place).add(place);
    if (outcome.kind === "rejected") this.#rejected.set(place, outcome);
    else this.#rejected.delete(place);
  }

  get(messageId: string): Pick<Finished, "outcome" | "confirmed"> | undefined {
    const place = this.#ids.placeOf(messageId);
    if (place === 0) return undefined;
    const outcome = this.#rejected.get(place) ?? delivered;
    return { outcome, confirmed: this.#states[place] === told };
  }

  /** The relay has been told of it, if it is known. */
  confirm(messageId: string, at: number): void {
    const place = this.#ids.placeOf(messageId);
    if (place === 0 || this.#states[place] === told) return;
    this.#untold.remove(place);
    this.#states[place] = told;
    this.#at[place] = at;
    this.#told.add(place);
  }

  /**
   * Takes out the oldest while there are more than `max` of which the relay was told, or it was told before `overAt`; and
   * the oldest others beyond `max`: a relay that confirms nothing at all must not fill the memory. The result is their ids.
   */
  forgetOld(max: number, overAt: number): readonly string[] {
    let forgotten: string[] | undefined;
    const forget = (place: number) => {
      (forgotten ??= []).push(this.#ids.idAt(place));
      this.#remove(place);
    };
    for (let place = this.#told.oldest; place !== 0; place = this.#told.oldest) {
      if (this.#told.size <= max && (this.#at[place] ?? 0) > overAt) break;
      forget(place);
    }
    while (this.#untold.size > max) forget(this.#untold.oldest);
    return forgotten ?? nothing;
  }

  #remove(place: number): void {
    this.#orderOf(place).remove(place);
    this.#states[place] = none;
    this.#rejected.delete(place);
    this.#ids.remove(place);
  }

  #orderOf(place: number): PlaceOrder {
    return this.#states[place] === told ? this.#told : this.#untold;
  }
}
