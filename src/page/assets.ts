import { Hono } from "hono";
import script from "./live.js" with { type: "text" };
import style from "./page.css" with { type: "text" };

/** The stylesheet and the script, as they are in the repository; below `/assets`. */
export const assets = new Hono()
  .get("/page.css", (c) => c.body(style, 200, headers("text/css")))
  .get("/live.js", (c) => c.body(script, 200, headers("text/javascript")));

function headers(type: string): Record<string, string> {
  return { "Content-Type": `${type}; charset=utf-8`, "X-Content-Type-Options": "nosniff" };
}
