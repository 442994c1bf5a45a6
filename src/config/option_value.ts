/** What the kinds of options accept, from texts (variables, flags) and from files. */
import { decimal } from "./decimal.ts";
import type { OptionKind } from "./options.ts";
import { Secret } from "./secret.ts";

export type AnyOptionValue = string | number | boolean | Secret;

/** What is accepted, in words for an error message. */
export function accepted(kind: OptionKind): string {
  switch (kind.type) {
    case "text":
    case "secret":
      return "a text that is not empty";
    case "choice":
      return `one of ${kind.values.join(", ")}`;
    case "boolean":
      return "true or false (as a variable also 1/0, yes/no, on/off)";
    case "integer":
      return `a whole number of at least ${kind.min}`;
    case "seconds":
      return kind.max === undefined
        ? `a number of seconds of at least ${kind.min}`
        : `a number of seconds from ${kind.min} to ${kind.max}`;
    case "number":
      return `a number of at least ${kind.min}`;
  }
}

const yes = new Set(["1", "true", "yes", "on"]);
const no = new Set(["0", "false", "no", "off"]);

/** The value of an option as given by a variable or a flag; undefined when it is not accepted. */
export function parseText(kind: OptionKind, given: string): AnyOptionValue | undefined {
  switch (kind.type) {
    case "boolean": {
      const lower = given.trim().toLowerCase();
      return yes.has(lower) ? true : no.has(lower) ? false : undefined;
    }
    case "integer":
    case "seconds":
    case "number":
      return checkValue(kind, decimal(given));
    case "choice":
      return checkValue(kind, given.trim());
    case "text":
    case "secret":
      return checkValue(kind, given);
  }
}

/** The value of an option as given by a file; undefined when it is not accepted. */
export function checkValue(kind: OptionKind, value: unknown): AnyOptionValue | undefined {
  switch (kind.type) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "integer":
    case "seconds":
    case "number": {
      if (typeof value !== "number" || !Number.isFinite(value) || value < kind.min) {
        return undefined;
      }
      if (kind.type === "integer" && !Number.isInteger(value)) return undefined;
      if (kind.type === "seconds" && value > (kind.max ?? Infinity)) return undefined;
      return value;
    }
    case "choice": {
      const lower = typeof value === "string" ? value.toLowerCase() : "";
      return kind.values.find((one) => one === (kind.aliases?.[lower] ?? lower));
    }
    case "text":
      return typeof value === "string" && value !== "" ? value : undefined;
    case "secret":
      return typeof value === "string" && value !== "" ? new Secret(value) : undefined;
  }
}
