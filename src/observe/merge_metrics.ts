/**
 * One text of Prometheus' format from several of the same metrics: each sample gets the label `connection`, each metric
 * its HELP and TYPE once.
 */
export function mergeMetrics(texts: ReadonlyMap<string, string>): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: string[] }>();
  for (const [connection, text] of texts) {
    const label = `connection="${connection}"`;
    let isNew = false;
    let samples: string[] = [];
    let head: string[] = [];
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const name = /^# HELP (\S+)/.exec(line)?.[1];
      if (name !== undefined) {
        isNew = !families.has(name);
        const family = families.get(name) ?? { head: [], samples: [] };
        families.set(name, family);
        ({ head, samples } = family);
      }
      if (line.startsWith("#")) {
        if (isNew) head.push(line);
      } else {
        samples.push(
          line.replace(
            /^([^\s{]+)(?:\{([^]*)\})? /,
            (_, metric: string, labels?: string) =>
              `${metric}{${label}${labels ? `,${labels}` : ""}} `,
          ),
        );
      }
    }
  }
  return [...families.values()]
    .map(({ head, samples }) => `${[...head, ...samples].join("\n")}\n`).join("\n");
}
