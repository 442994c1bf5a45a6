import assert from "node:assert/strict";
import { readSourceUrl } from "../../src/config/source_url.ts";
import { test } from "../support/test.ts";

test("the URL that senders post to is no relay's URL, and the one it should be is named", () => {
  const pasted = {
    "http://127.0.0.1:8420/webhook/default": /use http:\/\/127\.0\.0\.1:8420$/,
    "https://relay.example/webhook/orders/": /use https:\/\/relay\.example$/,
    "wss://relay.example/hooks/webhook/orders": /use https:\/\/relay\.example\/hooks$/,
  };
  for (const [given, problem] of Object.entries(pasted)) {
    assert.match(String(readSourceUrl(given, false)), problem);
  }
  for (const given of ["https://relay.example/webhook", "https://webhook/relay"]) {
    assert.ok(readSourceUrl(given, false) instanceof URL, given);
  }
});

test("an address inside another one counts as that: what must not be asked is not asked in another spelling", () => {
  const refused = [
    ...["169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"],
    ...["[::169.254.169.254]", "[2002:a9fe:a9fe::1]", "[64:ff9b:1::a9fe:a9fe]"],
    ...["[fd20:ce::254]", "192.0.0.192", "[fd00:ec2::254]"],
  ];
  for (const host of refused) {
    assert.equal(
      readSourceUrl(`https://${host}/`, false),
      "is a link-local, metadata or otherwise reserved address",
      host,
    );
  }
  for (const host of ["[2002:c000:201::1]", "[64:ff9b::c000:201]", "[::1]", "[fd00::1]"]) {
    assert.ok(readSourceUrl(`https://${host}/`, false) instanceof URL, host);
  }
});
