/**
 * Resolves when the condition holds; looks once a turn of the event loop. With a timer, not with setImmediate:
 * a tight loop of those can keep Deno from looking at its sockets.
 */
export async function turnsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 0));
}
