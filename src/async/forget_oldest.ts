/** Takes out what was put in first, until no more than `max` are left. */
export function forgetOldest(map: Map<unknown, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return;
    map.delete(oldest);
  }
}
