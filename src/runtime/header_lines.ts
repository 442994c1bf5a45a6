import { isHeaderField } from "../protocol/header_field.ts";

/** A header field as it goes on the wire. Throws a TypeError for what is none. */
export function headerLine(name: string, value: string): string {
  if (!isHeaderField([name, value])) {
    throw new TypeError(`cannot send the header ${JSON.stringify(name)}: it is not a valid field`);
  }
  return `${name}: ${value}\r\n`;
}

/** Fields that many requests share, made ready once. */
export class HeaderLines {
  readonly #text: string;

  /** Throws a TypeError for what is no field. */
  constructor(fields: Readonly<Record<string, string>>) {
    this.#text = Object.entries(fields).map(([name, value]) => headerLine(name, value)).join("");
  }

  /** Not a property that is printed: there may be a token in it. */
  get text(): string {
    return this.#text;
  }
}
