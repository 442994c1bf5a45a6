import type { Report } from "./config_error.ts";
import { isObject } from "../protocol/json_object.ts";
import type { FileLayer } from "./file_layer.ts";
import type { Keys } from "./file_lines.ts";
import { layerOver } from "./layer_over.ts";
import { processKeys } from "./options.ts";

/** What a file says of one of its connections: what stands there takes the place of what stands at the top. */
export function connectionLayer(file: FileLayer, name: string, report: Report): FileLayer {
  const { connections, ...top } = file.content;
  const own = isObject(connections) ? connections[name] : undefined;
  if (!isObject(own)) {
    report("must be an object");
    return { ...file, content: top };
  }
  for (const key of Object.keys(own)) {
    if (!processKeys.has(key) && !notInside.has(key)) continue;
    report(`${key}: is for the whole process: set it at the top (${at([key])})`);
  }
  const whereIs = (keys: Keys) => Object.hasOwn(own, keys[0] ?? "") ? inside(keys) : keys;
  return {
    content: layerOver(top, own),
    origin: (keys) => file.origin(whereIs(keys)),
    written: (keys) => file.written(whereIs(keys)),
    files: file.files,
  };

  function inside(keys: Keys): Keys {
    return ["connections", name, ...keys];
  }

  function at(keys: Keys): string {
    return file.origin(inside(keys));
  }
}

const notInside = new Set(["profile", "profiles", "connections", "$schema"]);
