/** Server-sent events as they are written, by the WHATWG HTML standard, section 9.2. */

/** Of a response whose body they are: nothing on its way may keep or hold it back. */
export const eventStreamHeaders = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
} as const;

/**
 * One event as text for the wire. Data is split at its line ends, whichever they are; the receiver joins the
 * lines with LF. Throws a RangeError for an event name or id with a line end, or an id with NUL.
 */
export function encodeSseEvent(
  { event, data, id }: { readonly event?: string; readonly data: string; readonly id?: string },
): string {
  let text = "";
  if (event !== undefined) text += `event: ${oneLine("event name", event)}\n`;
  if (id !== undefined) {
    if (id.includes("\0")) throw new RangeError("cannot encode an event id with a NUL in it");
    text += `id: ${oneLine("event id", id)}\n`;
  }
  return `${text}${data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("")}\n`;
}

function oneLine(what: string, text: string): string {
  if (!/[\r\n]/.test(text)) return text;
  throw new RangeError(`cannot encode the ${what} ${JSON.stringify(text)}: it has a line end`);
}
