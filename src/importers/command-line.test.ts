import { expect, it } from "vitest";
import { splitCommandLine } from "./command-line.ts";

it.each([
  ["npx -y server", ["npx", "-y", "server"]],
  ["  node\t'a b.js'  ", ["node", "a b.js"]],
  [String.raw`node "a \"b\".js" c\ d`, ["node", 'a "b".js', "c d"]],
  [String.raw`run 'C:\x' "C:\y"`, ["run", "C:\\x", "C:\\y"]],
  ["say '' $HOME `id`; rm", ["say", "", "$HOME", "`id`;", "rm"]],
  ["a'b'\"c\"", ["abc"]],
  ["", []],
])("splits %j into words", (line, words) => {
  expect(splitCommandLine(line)).toEqual(words);
});

it("refuses a quote that is never closed", () => {
  expect(() => splitCommandLine("node 'x")).toThrow("never closed");
});
