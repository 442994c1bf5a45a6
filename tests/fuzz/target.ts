import fc from "fast-check";

/** What must hold for every input of a parser. Inputs are plain JSON, so that one can be kept in a file. */
export interface FuzzTarget {
  /** Also the name of its file in `corpus/`. */
  readonly name: string;
  readonly property: (examples: readonly unknown[]) => {
    /** Throws, with seed and the smallest counterexample, when it does not hold. */
    check(parameters: fc.Parameters<[unknown]>): fc.RunDetails<[unknown]>;
  };
}

/** `holds` throws when the property does not hold. */
export function fuzzTarget<Input>(
  name: string,
  input: fc.Arbitrary<Input>,
  holds: (input: Input) => void,
): FuzzTarget {
  return {
    name,
    property: (examples) => ({
      check: (parameters) =>
        fc.check(fc.property(input, holds), {
          ...parameters as fc.Parameters<[Input]>,
          examples: examples.map((example): [Input] => [example as Input]),
        }) as fc.RunDetails<[unknown]>,
    }),
  };
}

/** One of these texts, or any. */
export function near(texts: readonly string[]): fc.Arbitrary<string> {
  const known = fc.constantFrom(...texts);
  return fc.oneof(
    known,
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.array(fc.oneof(known, fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 12 })
      .map((parts) => parts.join("")),
  );
}

/** An object with some of these members, each now and then of a wrong kind. */
export function nearObject(
  members: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<Record<string, unknown>> {
  const loose = Object.entries(members).map(([name, value]) =>
    [
      name,
      fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue() }),
    ] as const
  );
  return fc.record(Object.fromEntries(loose), { requiredKeys: [] });
}

export const byteArray = (maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength });

/** Opening brackets by the thousand, and as many closing ones. */
export const deepJson = fc.constantFrom(1, 100, 10_000, 100_000)
  .map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`);
