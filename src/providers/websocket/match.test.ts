import { describe, expect, test } from "vitest";

import type { JsonValue } from "../../kernel/index.ts";
import { parseMatch } from "./match.ts";

const scope = { input: { channel: "news" }, values: { $subscription: 7 } };
const holds = (source: JsonValue, message: JsonValue): boolean | undefined =>
  parseMatch(source)?.matches(message, scope);

describe("a match", () => {
  const message = { type: "tick", data: { channel: "news", id: "7", empty: null, flag: false }, list: [1] };
  test.each<[JsonValue, boolean]>([
    [{ type: "tick" }, true],
    [{ type: "tock" }, false],
    [{ type: ["tock", "tick"] }, true],
    [{ type: "tick", "data.channel": "{channel}" }, true],
    [{ "data.channel": "{other}" }, false],
    [{ "data.id": "{$subscription}" }, true],
    [{ "data.id": 7 }, true],
    [{ "data.flag": false }, true],
    [{ "data.empty": null }, true],
    [{ "data.channel": "*" }, true],
    [{ data: "*" }, true],
    [{ "data.empty": "*" }, false],
    [{ "data.missing": "*" }, false],
    [{ "data.missing": null }, false],
    [{ data: "[object Object]" }, false],
    [{ list: "1" }, false],
    [{ "list.0": 1 }, true],
    [{}, true],
    [[{ type: "tock" }, { "data.id": "7" }], true],
    [{ "/data/channel": "news" }, true],
  ])("%j: %s", (source, expected) => expect(holds(source, message)).toBe(expected));

  test("takes any subscription for the one that is not known yet", () => {
    const unknown = parseMatch({ on: "{$subscription}" });
    expect(unknown?.matches({ on: 7 }, { input: {} })).toBe(true);
    expect(unknown?.matches({ off: 7 }, { input: {} })).toBe(false);
  });

  test("of a text is the whole message", () => {
    expect(holds("pong", "pong")).toBe(true);
    expect(holds("pong", "ping")).toBe(false);
    expect(holds(["ping", "pong"], "pong")).toBe(true);
  });

  test.each<[JsonValue]>([[7], [true], [[]], [[["a"]]], [{ a: { b: 1 } }], [{ "a..b": 1 }]])("%j is none", (source) =>
    expect(parseMatch(source)).toBeUndefined(),
  );
});
