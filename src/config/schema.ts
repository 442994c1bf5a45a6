import { z } from "zod";
import { type OptionKind, options } from "./options.ts";
import { routeSchema } from "./routes.ts";
import { targetSchema } from "./target_settings.ts";

/** The JSON Schema (draft 2020-12) of a configuration file. */
export function configSchema(): Record<string, unknown> {
  const { $schema: _, ...target } = z.toJSONSchema(targetSchema);
  const { $schema: __, ...route } = z.toJSONSchema(routeSchema);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "hookferry connector",
    description: "Configuration of hookferry connect. Durations are seconds. null = not set.",
    type: "object",
    properties: {
      $schema: { type: "string" },
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
    },
    additionalProperties: false,
    $defs: { target, route },
  };
}

function schemaOf(kind: OptionKind): Record<string, unknown> {
  switch (kind.type) {
    case "text":
    case "secret":
      return { type: ["string", "null"], minLength: 1 };
    case "choice":
      return { enum: [...kind.values, null] };
    case "boolean":
      return { type: ["boolean", "null"] };
    case "integer":
      return { type: ["integer", "null"], minimum: kind.min };
    case "seconds":
      return {
        type: ["number", "null"],
        minimum: kind.min,
        ...(kind.max !== undefined && { maximum: kind.max }),
      };
    case "number":
      return { type: ["number", "null"], minimum: kind.min };
  }
}
