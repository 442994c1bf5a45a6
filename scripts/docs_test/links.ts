import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Link, type Page, readPage } from "./markdown.ts";

/** Relative links of a page that lead to no file, or to no heading of it. `file` is the page's own path. */
export function brokenLinks(page: Page, file: string): Link[] {
  return relativeLinks(page).filter(({ target }) => {
    const [path = "", anchor] = target.split("#");
    const to = path === "" ? file : join(dirname(file), decodeURIComponent(path));
    if (to !== file && !existsSync(to)) return true;
    if (anchor === undefined) return false;
    const { anchors } = to === file ? page : readPage(readFileSync(to, "utf8"));
    return !anchors.has(anchor);
  });
}

export function relativeLinks(page: Page): Page["links"] {
  return page.links.filter(({ target }) => !/^[a-z][a-z+.-]*:/i.test(target));
}
