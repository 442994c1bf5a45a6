import { z } from "zod";
import { type OptionKind, options, processKeys } from "./options.ts";
import { routeSchema } from "./routes.ts";
import { targetSchema } from "./target_settings.ts";

/** What stands for a value of another type: `${VAR}` and `${file:PATH}`. */
const reference = { type: "string", pattern: "\\$\\{" };

/** The JSON Schema (draft 2020-12) of a configuration file. */
export function configSchema(): Record<string, unknown> {
  const settings = {
    ...Object.fromEntries(options.map((option) => [option.key, {
      ...schemaOf(option.kind),
      description: option.help,
      ...(option.default !== undefined && { default: option.default }),
    }])),
    default_target: { $ref: "#/$defs/route" },
    targets: {
      description: "by webhook id",
      type: "object",
      additionalProperties: { $ref: "#/$defs/route" },
    },
  };
  const { profile: _, ...ofProfile } = settings as Record<string, unknown>;
  const ofConnection = Object.fromEntries(
    Object.entries(ofProfile).filter(([key]) => !processKeys.has(key)),
  );
  const connectionsSchema = {
    description: "several relays or channels by name; each begins with the settings at the top",
    type: "object",
    additionalProperties: { $ref: "#/$defs/connection" },
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "hookferry connector",
    description: "Configuration of hookferry connect. Durations are seconds. null = not set.",
    type: "object",
    properties: {
      $schema: { type: "string" },
      ...settings,
      connections: connectionsSchema,
      profiles: {
        description: "settings by the name that profile chooses; they take the place of the others",
        type: "object",
        additionalProperties: { $ref: "#/$defs/profile" },
      },
    },
    additionalProperties: false,
    $defs: {
      target: withReferences(targetSchema),
      route: withReferences(routeSchema),
      connection: { type: "object", properties: ofConnection, additionalProperties: false },
      profile: {
        type: "object",
        properties: { ...ofProfile, connections: connectionsSchema },
        additionalProperties: false,
      },
    },
  };
}

/** The schema of a part, in which a reference may stand for a number, a switch or a choice. */
function withReferences(part: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(part, {
    override({ jsonSchema }) {
      const others = jsonSchema.anyOf?.filter((one) =>
        one.enum || !/string|object|array/.test(String(one.type))
      );
      if (others?.some(({ type }) => type !== "null")) {
        jsonSchema.anyOf?.push({ ...reference, type: "string" });
      }
    },
  });
  return schema;
}

function schemaOf(kind: OptionKind): Record<string, unknown> {
  switch (kind.type) {
    case "text":
    case "secret":
      return { type: ["string", "null"], minLength: 1 };
    case "choice":
      return { anyOf: [{ enum: [...kind.values, null] }, reference] };
    case "boolean":
      return { anyOf: [{ type: ["boolean", "null"] }, reference] };
    case "integer":
      return { anyOf: [{ type: ["integer", "null"], minimum: kind.min }, reference] };
    case "seconds": {
      const { min: minimum, max: maximum } = kind;
      const bounds = { minimum, ...(maximum !== undefined && { maximum }) };
      return { anyOf: [{ type: ["number", "null"], ...bounds }, reference] };
    }
    case "number":
      return { anyOf: [{ type: ["number", "null"], minimum: kind.min }, reference] };
  }
}
