import { expect, test } from "vitest";
import { complete, type Completable } from "./completion.ts";

const asked: string[] = [];
const completable: Completable = {
  names: () => ["reducer", "my/fn", "*1"],
  capabilityIds(prefix) {
    asked.push(prefix);
    return Promise.resolve(["demo.area", "demo.echo"].filter((id) => id.startsWith(prefix)));
  },
};

test.each([
  ["(redu", ["reduce", "reducer"], "redu"],
  ["(map (fn [x] (str-", [], "str-"],
  ["(string-len", ["string-length"], "string-len"],
  ["my/", ["my/fn"], "my/"],
  ["(defn", ["defn"], "defn"],
  ["(+ *", ["*", "*1"], "*"],
  ["(", [], ""],
  ["", [], ""],
  ['(str "redu', [], "redu"],
  ['(str "a" redu', ["reduce", "reducer"], "redu"],
  ["; redu", [], "redu"],
  [":he", [":help"], ":he"],
  [":", [":doc", ":type", ":time", ":help", ":quit"], ":"],
  [":doc string-len", ["string-length"], "string-len"],
])("%j may become %j", async (line, matches, replaced) => {
  expect(await complete(line, "", completable)).toEqual([matches, replaced]);
});

test("ids are completed in a call, on whatever line it begins, and asked for nowhere else", async () => {
  asked.length = 0;
  await complete("(redu", "", completable);
  expect(asked).toEqual([]);
  expect(await complete('(call "demo.', "", completable)).toEqual([["demo.area", "demo.echo"], "demo."]);
  expect(await complete('  "demo.a', "(map (fn [x] (call", completable)).toEqual([["demo.area"], "demo.a"]);
  expect(await complete('(str "demo.', "", completable)).toEqual([[], "demo."]);
});

test("a keyword is no command within a form", async () => {
  expect(await complete(" :he", "{:a 1", completable)).toEqual([[], ":he"]);
  expect(await complete("{:coun", "", completable)).toEqual([[], ":coun"]);
});
