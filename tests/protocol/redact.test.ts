import assert from "node:assert/strict";
import { redactBy, withoutPathOf } from "../../src/protocol/redact.ts";
import { test } from "../support/test.ts";

const cases: [patterns: string, fits: readonly string[], fitsNot: readonly string[]][] = [
  ["cookie", ["cookie", "COOKIE"], ["cookies", "set-cookie", ""]],
  ["*token*", ["token", "X-Token", "tokens", "my_TOKEN_x"], ["toke", "to-ken"]],
  ["*-key", ["api-key", "-key"], ["api-keys", "key"]],
  ["x-*-y", ["x-a-y", "x--y", "X-x-y-y"], ["x-y", "x-a-yy"]],
  ["*api*key*", ["api_key", "MyApiXKeys", "apikey"], ["keyapi", "apkey"]],
  ["a*a", ["aa", "aba"], ["a"]],
  ["*", ["anything", ""], []],
  ["a.c,[x]", ["a.c", "[X]"], ["abc", "x"]],
  [" one , two ,,", ["one", "two"], ["three", ""]],
  ["", [], ["a", ""]],
];
for (const [patterns, fits, fitsNot] of cases) {
  test(`the names that ${JSON.stringify(patterns)} fits`, () => {
    const { headers } = redactBy(patterns);
    const isHidden = (name: string) => headers([[name, "value"]])[0]?.[1] !== "value";
    for (const name of fits) assert.ok(isHidden(name), name);
    for (const name of fitsNot) assert.ok(!isHidden(name), name);
  });
}

test("long names that nearly fit take no time: their sender chooses them", () => {
  const redact = redactBy("*api*key*,*a*b*c*d*");
  const name = "api".repeat(20_000);
  // A regular expression took seconds for each.
  for (let n = 0; n < 200; n++) redact.path(`/?${name}=1&${"abc".repeat(2_000)}=1`);
});

const ofAPath: [path: string, text: string, shown: string][] = [
  ["/s3cret", "Cannot GET /events/s3cret?x", "Cannot GET /events/***?x"],
  ["/of/ab/abab", "/abab of ab", "/*** *** ***"],
  ["/caf%C3%A9", "no café at /caf%C3%A9", "no *** at /***"],
  ["/100%", "/100%", "/***"],
  ["/", "a / b", "a / b"],
];
for (const [path, text, shown] of ofAPath) {
  test(`without the parts of ${path} the text ${JSON.stringify(text)} is ${JSON.stringify(shown)}`, () => {
    assert.equal(withoutPathOf(new URL(path, "http://a"), text), shown);
  });
}

const ofABody: [body: string, shown: string][] = [
  [
    '{"token": "abc", "a" : [1, {"Token":"abc"}]}',
    '{"token": "[redacted]", "a" : [1, {"Token":"[redacted]"}]}',
  ],
  [
    '{"token":{"a":["}",{"b":1}]},"c":12345678901234567890}',
    '{"token":"[redacted]","c":12345678901234567890}',
  ],
  [
    '{"token":-1.5e3,"b":{"token":null},"token_b":[]}',
    '{"token":"[redacted]","b":{"token":"[redacted]"},"token_b":"[redacted]"}',
  ],
  [String.raw`{"\u0074oken":"a\"bc\\","b":"\\"}`, String.raw`{"\u0074oken":"[redacted]","b":"\\"}`],
  // What holds JSON as text: a batch, a form, a log.
  [
    String.raw`[{"body":"{\"a\":1,\"token\":\"abc\"}"}]`,
    String.raw`[{"body":"{\"a\":1,\"token\":\"[redacted]\"}"}]`,
  ],
  ['{"token":"a"}\n{"token":"b"}\n', '{"token":"[redacted]"}\n{"token":"[redacted]"}\n'],
  ["a=1&token=abc&b=2", "a=1&token=[redacted]&b=2"],
  ["%74oken=abc&=&b", "%74oken=[redacted]&=&b"],
  [
    "payload=%7B%22token%22%3A+%22abc%22%7D&a=%7B",
    `payload=${encodeURIComponent('{"token": "[redacted]"}')}&a=%7B`,
  ],
  // Of neither kind.
  ["the token: abc = abc", "the token: abc = abc"],
  ['<a token="abc">', '<a token="abc">'],
  ['{"a":"token","b":token,"c', '{"a":"token","b":token,"c'],
  ["", ""],
];
for (const [body, shown] of ofABody) {
  test(`of the body ${body} is shown ${shown}`, () => {
    assert.equal(bodyBy("*token*", body), shown);
  });
}

test("of a body that was cut nothing is shown of a value that it ends in, wherever that is", () => {
  const bodies = [
    '{"a":"é","token":{"b":"hush","c":["hush"]}}',
    JSON.stringify({ body: JSON.stringify({ token: "é\\hush" }) }),
    `payload=${encodeURIComponent('{"a":"é","token":"hush"}')}`,
    "a=é&token=hush",
  ];
  for (const body of bodies) {
    const bytes = new TextEncoder().encode(body);
    for (let end = 0; end <= bytes.length; end++) {
      const shown = new TextDecoder().decode(redactBy("token").body(bytes.subarray(0, end), true));
      assert.doesNotMatch(shown, /hu/, shown);
    }
  }
});

test("what is no text is shown as it is, and patterns that fit nothing change no byte", () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x7d]);
  assert.deepEqual(redactBy("*").body(bytes, false), bytes);
  const odd = '\ufeff{"a" :1e400,"a":"\\u00e9"}\r\n';
  assert.equal(bodyBy("token", odd), odd);
});

test("bodies made to be slow take no time", () => {
  const half = 32 * 1024;
  const bodies = [
    ...[
      "[",
      "{",
      '"',
      '\\"',
      '"\\',
      '{"token":',
      '"token":',
      "=",
      "&",
      "%",
      "a=[&",
      " ",
      '{"a":"{',
    ],
    ...['"\\x",', '"\\x":', '"\\u', '"\\u0022'],
  ].map((part) => part.repeat(half / part.length));
  // JSON in a string in a string, as deep as goes.
  bodies.push(
    Array.from({ length: 11 }).reduce<string>((text) => JSON.stringify(`${text}`), '{"token":1}'),
  );
  const started = performance.now();
  for (const body of bodies) {
    for (const text of [body, `{${body}`, `"${body}`, JSON.stringify(body)]) {
      bodyBy("*token*", text);
    }
  }
  assert.ok(performance.now() - started < 5_000);
});

function bodyBy(patterns: string, body: string): string {
  const shown = redactBy(patterns).body(new TextEncoder().encode(body), false);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown);
}
