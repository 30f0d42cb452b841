import { expect, test } from "vitest";
import { COMMANDS, helpLines, readCommand } from "./commands.ts";

test.each([
  [":doc map", { name: ":doc", rest: "map" }],
  ["  :time (+ 1\n 2) ", { name: ":time", rest: "(+ 1\n 2)" }],
  [":quit", { name: ":quit", rest: "" }],
  [":document", undefined],
  [":docs map", undefined],
  ["(:doc x)", undefined],
  ["{:doc 1}", undefined],
  [":constructor", undefined],
])("%j is read as %j", (text, command) => {
  expect(readCommand(text)).toEqual(command);
});

test("help tells of every command", () => {
  for (const { usage } of COMMANDS) expect(helpLines().join("\n")).toContain(usage);
});
