import { describe, expect, test } from "vitest";

import { decodeFrame, DEEPEST_MESSAGE, encodeFrame } from "./frame.ts";

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

describe("a frame", () => {
  test("of JSON is a value, of text or of bytes alike, with every digit", () => {
    expect(decodeFrame("json", Buffer.from('{"a":12345678901234567890}'), false)).toEqual({ a: 12345678901234567890n });
    expect(decodeFrame("json", Buffer.from("[1]"), true)).toEqual([1]);
    expect(encodeFrame("json", { a: 12345678901234567890n }, "x")).toBe('{"a":12345678901234567890}');
  });

  test.each([['{"half'], [""], ["<html>"], ["NaN"]])("%j is no JSON", (text) =>
    expect(() => decodeFrame("json", Buffer.from(text), false)).toThrow(SyntaxError),
  );

  test("nests only so deep, in both directions", () => {
    expect(decodeFrame("json", Buffer.from(deep(DEEPEST_MESSAGE)), false)).toBeInstanceOf(Array);
    expect(() => decodeFrame("json", Buffer.from(deep(DEEPEST_MESSAGE + 3)), false)).toThrow(/levels/);
    expect(() => decodeFrame("json", Buffer.from(deep(100_000)), false)).toThrow(/levels/);
    expect(() => encodeFrame("json", JSON.parse(deep(DEEPEST_MESSAGE + 3)) as never, "x")).toThrow(/nests deeper/);
    expect(() => encodeFrame("json", JSON.parse(deep(50_000)) as never, "x")).toThrow(/nests deeper/);
  });

  test("of text is the text, and bytes among texts say that they are", () => {
    expect(decodeFrame("text", Buffer.from("süß"), false)).toBe("süß");
    expect(decodeFrame("text", Buffer.from([0, 255]), true)).toEqual({ data: "AP8=" });
    expect(encodeFrame("text", "hello", "x")).toBe("hello");
    expect(encodeFrame("text", { data: "AP8=" }, "x")).toEqual(Buffer.from([0, 255]));
    expect(() => encodeFrame("text", { text: "hello" }, "line.say")).toThrow(/message of line.say is no text/);
  });

  test("of bytes is base64", () => {
    expect(decodeFrame("binary", Buffer.from([0, 255]), true)).toBe("AP8=");
    expect(encodeFrame("binary", "AP8=", "x")).toEqual(Buffer.from([0, 255]));
    expect(encodeFrame("binary", "AP8", "x")).toEqual(Buffer.from([0, 255]));
    expect(() => encodeFrame("binary", "no base64!", "line.say")).toThrow(/message of line.say is no base64/);
    expect(() => encodeFrame("binary", 7, "line.say")).toThrow(/is no text/);
  });
});
