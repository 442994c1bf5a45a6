import type { Transport, TransportChoice } from "../flow.ts";

/**
 * Goes through the transports, best first. When one kind of stream does not get through, the next is tried,
 * after the last the first again. When to climb back is the caller's decision.
 */
export function chooseTransport(
  transports: readonly [Transport, ...Transport[]],
): TransportChoice {
  let index = 0;
  return {
    get current() {
      return transports[index] ?? transports[0];
    },
    get better() {
      return transports.slice(0, index);
    },
    blocked() {
      if (transports.length === 1) return "only_one";
      index = (index + 1) % transports.length;
      return index === 0 ? "wrapped" : "next";
    },
    climbTo(transport) {
      const found = transports.indexOf(transport);
      if (found !== -1) index = found;
    },
  };
}
