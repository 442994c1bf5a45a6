import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openrc } from "../../src/cli/service/openrc.ts";
import { assertReached, toOpen } from "../../src/cli/service/reach.ts";
import { test } from "../support/test.ts";

test("a file that a made user cannot read is named, with what would let him", (t) => {
  const root = t.folder();
  const file = join(root, "keys", "client.pem");
  mkdirSync(dirname(file));
  chmodSync(dirname(file), 0o755);
  writeFileSync(file, "");
  chmodSync(file, 0o600);
  assert.equal(toOpen(file, root), `chmod o+r ${file}`);
  const check = (user: string | undefined) =>
    assertReached({ read: [file] }, openrc, { name: "connector", user, root });
  assert.throws(
    () => check(undefined),
    /cannot read it: chmod o\+r \S+client\.pem, or give --user/,
  );
  check("daemon");
  chmodSync(file, 0o604);
  assert.equal(toOpen(file, root), undefined);
  chmodSync(dirname(file), 0o700);
  assert.equal(toOpen(file, root), `chmod o+x ${dirname(file)}`);
});
