import assert from "node:assert/strict";
import { otherConnector } from "../../src/cli/meant_connector.ts";
import { test } from "../support/test.ts";

const at = (identity: string, flags: Record<string, string> = {}) =>
  otherConnector({
    file: undefined,
    env: {},
    flags: { cloud_url: "https://relay.example", channel: "orders", ...flags },
  }, { identity });

test("another relay or channel is another connector; another id only where the settings say one", () => {
  assert.equal(at("orders@relay.example"), undefined);
  assert.equal(at("orders@other.example"), "orders@other.example");
  assert.equal(at("bills@relay.example"), "bills@relay.example");
  // The service may have it from its own command line.
  assert.equal(at("orders@relay.example@blue"), undefined);
  assert.equal(at("orders@relay.example@blue", { connector_id: "blue" }), undefined);
  assert.equal(
    at("orders@relay.example@blue", { connector_id: "green" }),
    "orders@relay.example@blue",
  );
});

test("who has no connection, as long as one drains, is not another connector", () => {
  const layers = { file: undefined, env: {}, flags: { cloud_url: "https://a", channel: "b" } };
  assert.equal(otherConnector(layers, { connections: {} }), undefined);
  assert.equal(
    otherConnector({ ...layers, file: { path: "/f.json", content: { connections: {} } } }, {
      identity: "orders@relay.example",
    }),
    undefined,
  );
});
