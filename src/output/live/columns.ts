import stringWidth from "string-width";
import { visible } from "../visible.ts";

const characters = new Intl.Segmenter();

/** The text on exactly so many columns of a terminal: cut with an ellipsis, or filled with spaces at one side. */
export function fit(text: string, columns: number, side: "left" | "right" = "left"): string {
  const shown = cut(visible(text), columns);
  const space = " ".repeat(Math.max(0, columns - stringWidth(shown)));
  return side === "left" ? shown + space : space + shown;
}

function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of characters.segment(text)) {
    width += stringWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** The text in lines of at most so many columns, broken between words where that is possible. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of visible(text).split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (stringWidth(longer) <= columns || line === "") line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
