import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Page, readPage } from "./markdown.ts";

/** Relative links of a page that lead nowhere, as "line: what". `file` is the page's own path. */
export function brokenLinks(page: Page, file: string): string[] {
  return relativeLinks(page).flatMap(({ line, target }) => {
    const [path = "", anchor] = target.split("#");
    const to = path === "" ? file : join(dirname(file), decodeURIComponent(path));
    if (to !== file && !existsSync(to)) return [`${line}: there is no ${target}`];
    if (anchor === undefined) return [];
    const { anchors } = to === file ? page : readPage(readFileSync(to, "utf8"));
    return anchors.has(anchor) ? [] : [`${line}: ${to} has no heading for #${anchor}`];
  });
}

export function relativeLinks(page: Page): Page["links"] {
  return page.links.filter(({ target }) => !/^[a-z][a-z+.-]*:/i.test(target));
}
