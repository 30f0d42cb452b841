import { expect, test } from "vitest";
import { documentationOf } from "./documentation.ts";
import { knownNames } from "./known-names.ts";

test("every name that comes with the language is documented", () => {
  for (const name of knownNames()) {
    const entries = documentationOf(name);
    expect(entries.length, name).toBeGreaterThan(0);
    for (const { doc, usage } of entries) {
      expect(doc).toMatch(/\.$/);
      expect(usage).toMatch(/^\(/);
    }
  }
});

test("an alias leads to its function, and a name with two meanings to both", () => {
  expect(documentationOf("upper")).toMatchObject([
    { name: "string-upper", aliases: expect.arrayContaining(["upper"]) as string[] },
  ]);
  expect(documentationOf("get").map(({ topic }) => topic)).toEqual(["special form", "collections"]);
  expect(documentationOf("constructor")).toEqual([]);
});
