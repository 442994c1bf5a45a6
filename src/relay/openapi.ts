import { z } from "zod";
import { operations, problemSchema } from "./operations.ts";

/** The relay's HTTP interface as OpenAPI 3.1: what `/openapi.json` answers. */
export function openApiDocument(version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = route.split(" ");
    const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    const shown = path.replace(/:(\w+)/g, "{$1}").replace("*", "{path}");
    if (path.endsWith("*")) names.push("path");
    // OpenAPI has no word for "any method": the one that senders use.
    paths[shown] ??= {};
    paths[shown][method === "ALL" ? "post" : method.toLowerCase()] = {
      summary: operation.summary,
      parameters: names.map((name) => ({
        name,
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
      ...(operation.token && { security: [{ [operation.token]: [] }] }),
      ...(operation.body && { requestBody: { required: true, content: json(operation.body) } }),
      responses: {
        [operation.status ?? 200]: {
          description: operation.summary,
          ...(operation.answer && { content: json(operation.answer) }),
        },
        default: { description: "What is wrong", content: json(problemSchema) },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "hookferry relay", version },
    components: {
      securitySchemes: {
        channel: { type: "http", scheme: "bearer", description: "The channel's token" },
        admin: { type: "http", scheme: "bearer", description: "WEBHOOK_CONNECT_ADMIN_TOKEN" },
      },
    },
    paths,
  };
}

function json(schema: z.ZodType) {
  return { "application/json": { schema: z.toJSONSchema(schema) } };
}
