import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkProgram, checkPrograms } from "./check-programs.ts";

const found = (text: string): string[] =>
  checkProgram(text).warnings.map(({ message, place }) => `${place.line}:${place.column} ${message}`);

test("the code of a capability is looked through, however it is declared", () => {
  const code = "(fn [in]\n (strr in))";
  for (const text of [
    `(capability "a.b" :description "d" :implementation ${code})`,
    `(capability "a.b" {:implementation ${code}})`,
    `{:type "capability" :id "a.b" :implementation ${code}}`,
    `(do (capability "a.b" :implementation ${code}))`,
    `(def all {:capabilities [{:capability {:id "a.b" :implementation ${code}}}]})`,
  ]) {
    expect(found(text), text).toEqual(['2:3 The name strr is not defined. Did you mean "str"?']);
  }
});

test("the code of a capability sees its input, and nothing of the rest of its file", () => {
  expect(found('(def rate 2) (capability "a.b" :implementation (do (* rate (:n input))))')).toHaveLength(1);
  expect(found('(def all {:capabilities [{:capability {:id "a.b"}}]}) (count all)')).toEqual([]);
});

test("schemas and other data of a capability are no code", () => {
  expect(
    found(
      '(capability "a.b" :input-schema [:map [:a [:vector :string]?] [:b Int ?]] :effects [network] :metadata {:x nowhere})',
    ),
  ).toEqual([]);
});

test("a program that the analyzer refuses has an error with its place, and no warnings besides", () => {
  const { errors, warnings } = checkProgram("(def a 1)\n(let [x] (nothing))", "a.rtfs");
  expect(errors).toMatchObject([{ code: "read-error", place: { file: "a.rtfs", line: 2, column: 7 } }]);
  expect(warnings).toEqual([]);
});

test("mistakes of reading are not told twice", () => {
  expect(checkProgram("(let [x 1]")).toEqual({ errors: [], warnings: [] });
});

test("a file has two hundred warnings at most, those first that stand first", () => {
  const { warnings } = checkProgram("nowhere\n".repeat(500));
  expect(warnings).toHaveLength(200);
  expect(warnings[199]?.place.line).toBe(200);
});

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

test("files are read one by one, and one that cannot be read is passed over", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ccos-check-"));
  folders.push(folder);
  const file = join(folder, "a.rtfs");
  await writeFile(file, "(inc)");
  expect(checkPrograms([join(folder, "missing.rtfs"), file]).warnings).toMatchObject([
    { code: "wrong-arity", place: { file, line: 1, column: 1 } },
  ]);
});
