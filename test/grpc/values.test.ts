import { beforeAll, describe, expect, test } from "vitest";

import { parseJson, stringifyJson, type JsonValue } from "../../src/kernel/index.ts";
import { FileSchemas } from "../../src/providers/grpc/load-schema.ts";
import type { MethodPlan } from "../../src/providers/grpc/schema.ts";
import { PROTO_FOLDER, SHOP_PROTO } from "./shop-server.ts";

let mirror: MethodPlan;

beforeAll(async () => {
  const schema = await new FileSchemas().of({ kind: "proto", file: SHOP_PROTO, paths: [PROTO_FOLDER] });
  mirror = schema.plan("shop.v1.Shop", "Mirror");
});

/** There and back, without what holds its default anyway. */
const through = (value: JsonValue): JsonValue => mirror.decode(mirror.encode(value), false);

const failing = (value: JsonValue): { message: string; remedy?: string } => {
  try {
    mirror.encode(value);
  } catch (error) {
    return error as { message: string; remedy?: string };
  }
  throw new Error("It was taken.");
};

describe("messages as JSON", () => {
  test.each<[string, JsonValue]>([
    ["texts", { itemId: "ä \u0000 🎈" }],
    ["64-bit integers beyond 2^53, exact", { cents: -9_007_199_254_740_993n, big: 18_446_744_073_709_551_615n }],
    ["64-bit integers within it, as numbers", { cents: -1, big: 9_007_199_254_740_991 }],
    ["enums, by name", { kind: "BOOK", kinds: ["GAME", "KIND_UNSPECIFIED"] }],
    ["enums nobody knows, by number", { kind: 17 }],
    ["times and durations", { at: "2026-01-31T12:00:00.123456789Z", ttl: "90.500s" }],
    ["maps, whose keys are data", { tags: { ["__proto__"]: "a", constructor: "b", "": "c" } }],
    ["maps of messages by 64-bit keys", { parts: { "9007199254740993": { itemId: "x" } } }],
    ["structs and values", { extra: { a: [1, "x", null, { b: true }] }, free: null, list: [1, [2]] }],
    ["bytes, as base64", { blob: Buffer.from([0, 255, 16]).toString("base64") }],
    ["wrappers, as what they hold", { note: "", stock: 9_007_199_254_740_993n }],
    ["a member of a oneof that holds its default", { user: "" }],
    ["a message in a oneof", { company: { name: "a", address: { street: "s" } } }],
    ["a wrapper in a oneof", { number: 12 }],
    ["presence of an optional field", { rank: 0 }],
    ["trees", { children: [{ itemId: "a", children: [{ itemId: "b" }] }] }],
    ["masks", { mask: "itemId,company.name" }],
    ["numbers that are none", { weight: "NaN" }],
    ["infinity", { weight: "-Infinity" }],
    [
      "what is packed into Any",
      { detail: { "@type": "type.googleapis.com/shop.v1.Item", cents: 9_007_199_254_740_993n } },
    ],
    ["special messages in Any", { detail: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" } }],
    [
      "Any in Any",
      {
        detail: {
          "@type": "type.googleapis.com/google.protobuf.Any",
          value: { "@type": "type.googleapis.com/shop.v1.Summary", count: 1 },
        },
      },
    ],
  ])("%s come back as they went", (_what, value) => {
    expect(through(value)).toEqual(value);
    // And as text, in which digits are digits.
    expect(parseJson(stringifyJson(through(value)))).toEqual(value);
  });

  test("fields may be named as they are declared", () => {
    expect(through({ item_id: "a", company: { name: "x" } })).toEqual({ itemId: "a", company: { name: "x" } });
  });

  test("texts of digits are taken for 64-bit integers, as the canonical form writes them", () => {
    expect(through({ cents: "-9007199254740993", stock: "5" })).toEqual({ cents: -9_007_199_254_740_993n, stock: 5 });
  });

  test("a number of seconds is a duration, and a list of paths a mask", () => {
    expect(through({ ttl: 2, mask: ["item_id"] })).toEqual({ ttl: "2s", mask: "itemId" });
  });

  test("null is not being there, but where it is a value", () => {
    expect(through({ itemId: null, at: null, children: null, note: null, free: null })).toEqual({ free: null });
  });

  test("with defaults, every field without presence is there, and no other", () => {
    expect(mirror.decode(mirror.encode({}), true)).toEqual({
      itemId: "",
      cents: 0,
      kind: "KIND_UNSPECIFIED",
      tags: {},
      parts: {},
      blob: "",
      children: [],
      weight: 0,
      big: 0,
      kinds: [],
      sold: false,
    });
  });

  test("a message in Any that nobody described is given as it came", () => {
    const known = mirror.encode({ detail: { "@type": "type.googleapis.com/shop.v1.Item", itemId: "a" } });
    const foreign = Buffer.from(known.toString("latin1").replace("shop.v1.Item", "shop.v1.Itom"), "latin1");
    expect(mirror.decode(foreign, false)).toEqual({
      detail: { "@type": "type.googleapis.com/shop.v1.Itom", "@value": "CgFh" },
    });
  });
});

describe("what does not fit is told with its path", () => {
  test.each(
    (
      [
        [{ children: [{ item_idd: "x" }] }, "children[0].item_idd", 'Did you mean "item_id" or "itemId"?'],
        [{ tags: { a: 1 } }, "tags.a", undefined],
        [{ cents: 1.5 }, "cents", undefined],
        [{ cents: 2n ** 63n }, "cents", undefined],
        [{ big: -1 }, "big", undefined],
        [{ rank: 2 ** 31 }, "rank", undefined],
        [{ kind: "BOOKS" }, "kind", 'Did you mean "BOOK"?'],
        [{ at: "yesterday" }, "at", undefined],
        [{ ttl: "soon" }, "ttl", undefined],
        [{ blob: "###" }, "blob", undefined],
        [{ sold: "true" }, "sold", undefined],
        [{ weight: "heavy" }, "weight", undefined],
        [{ children: {} }, "children", undefined],
        [{ parts: { a: { itemId: "x" } } }, "", undefined],
        [{ itemId: "a", item_id: "b" }, "item_id", undefined],
        [{ user: "a", company: {} }, "company", undefined],
        [{ company: { address: {} } }, "company.address", undefined],
        [{ detail: { a: 1 } }, "detail", undefined],
        [{ detail: { "@type": "x/nobody.Knows" } }, "detail", undefined],
        [{ extra: { a: 2n ** 64n + 1n } }, "extra.a", "Send it as a text."],
        [{ ["__proto__"]: 1 }, "__proto__", undefined],
        [{ constructor: 1 }, "constructor", undefined],
        [[], "", undefined],
        ["a", "", undefined],
      ] as [JsonValue, string, string | undefined][]
    ).map(([value, path, remedy]) => [stringifyJson(value).slice(0, 60), value, path, remedy] as const),
  )("%s", (_what, value, path, remedy) => {
    const error = failing(value);
    expect(error).toMatchObject({ code: "invalid-argument" });
    if (path !== "") expect(error.message).toContain(`at ${path} `);
    if (remedy !== undefined) expect(error.remedy).toBe(remedy);
  });

  test("nesting that has no end is refused, and answers that nest so are broken", () => {
    let deep: JsonValue = {};
    for (let level = 0; level < 5_000; level++) deep = { children: [deep] };
    expect(failing(deep).message).toMatch(/deeper than 100 levels|does not fit/);
    let bytes = Buffer.alloc(0);
    for (let level = 0; level < 5_000; level++) {
      const length: number[] = [];
      for (let rest = bytes.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      bytes = Buffer.concat([Buffer.from([0x7a, ...length]), bytes]);
    }
    expect(() => mirror.decode(bytes, false)).toThrow("The answer is no shop.v1.Item");
  });
});
