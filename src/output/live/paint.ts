import { styleText } from "node:util";

export type Look = "good" | "busy" | "bad" | "quiet" | "strong" | "chosen";

/** Makes a text look like something on the terminal. */
export type Paint = (look: Look, text: string) => string;

const colors = { good: "green", busy: "yellow", bad: "red" } as const;
const weights = { quiet: "dim", strong: "bold", chosen: "inverse" } as const;

/** Without colour (https://no-color.org) what is strong, quiet or chosen still is. */
export function painter(hasColor: boolean): Paint {
  const looks: Partial<Record<Look, string>> = hasColor ? { ...weights, ...colors } : weights;
  return (look, text) => {
    const format = looks[look];
    return format ? styleText(format as "bold", text, { validateStream: false }) : text;
  };
}
