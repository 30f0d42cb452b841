import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { didYouMean, nearestNames, oneLine, stripControls } from "./index.ts";

const ESC = "\u001b";

describe("text from outside", () => {
  test.each([
    [`${ESC}[31mred${ESC}[0m`, "red"],
    [`${ESC}[2J${ESC}[Hgone`, "gone"],
    [`${ESC}]0;title\u0007after`, "after"],
    [`${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\`, "link"],
    [`${ESC}]0;never ended`, ""],
    ["a\u0000b\u0008c\u007fd\u009be", "abcde"],
    ["line\r\nnext\rover", "line\nnextover"],
    ["safe \u202eexe.fdp\u202c", "safe exe.fdp"],
    ["\u2066isolate\u2069 \u200emark\u200f\u061c", "isolate mark"],
    ["tab\tand\nnewline stay", "tab\tand\nnewline stay"],
    ["größer 日本語 🎉", "größer 日本語 🎉"],
  ])("%j loses what moves a cursor or reorders text", (text, safe) => {
    expect(stripControls(text)).toBe(safe);
  });

  test("keeps no escape and no override, whatever comes", () => {
    const nasty = fc.string({
      unit: fc.constantFrom(ESC, "[", "]", "0", ";", "m", "\\", "\u0007", "\u202e", "\u009b", "a"),
    });
    fc.assert(
      // oxlint-disable-next-line no-control-regex
      fc.property(nasty, (text) => !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(stripControls(text))),
    );
  });

  test("fits on one line of bounded length", () => {
    expect(oneLine("  a\n\n b\t\tc  ")).toBe("a b c");
    expect(oneLine("x".repeat(400))).toBe(`${"x".repeat(299)}…`);
    expect(oneLine("abcdef", 4)).toBe("abc…");
    expect(oneLine("abcd", 4)).toBe("abcd");
  });
});

describe("names that may have been meant", () => {
  const known = ["list_issues", "create_issue", "get_me", "mail.send"];

  test.each([
    ["list_isues", ["list_issues"]],
    ["lsit_issues", ["list_issues"]],
    ["GET_ME", ["get_me"]],
    ["send", ["mail.send"]],
    ["my.own.mailer.send", ["mail.send"]],
    ["something_else_entirely", []],
  ])("%s → %j", (name, near) => {
    expect(nearestNames(name, known)).toEqual(near);
  });

  test("come nearest first, equally near ones by the alphabet, and no more than asked for", () => {
    expect(nearestNames("item1", ["item4", "item3", "item2", "item1x"], 3)).toEqual(["item1x", "item2", "item3"]);
    expect(nearestNames("item1", ["item4", "item3"], 1)).toEqual(["item3"]);
  });

  test("are not looked for when the name is absurdly long", () => {
    expect(nearestNames("x".repeat(201), ["x".repeat(200)])).toEqual([]);
  });

  test("make a question, or nothing", () => {
    expect(didYouMean("get_my", known)).toBe('Did you mean "get_me"?');
    expect(didYouMean("item1", ["item2", "item3"])).toBe('Did you mean "item2" or "item3"?');
    expect(didYouMean("zzz", known)).toBe("");
  });
});
