import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { readRequestBody } from "./read-parameters.ts";
import type { Refuse } from "./serialize.ts";
import { writeBody, type WrittenBody } from "./write-body.ts";

const refuse: Refuse = (what) => {
  throw new Error(what);
};

function write(content: JsonValue, value: JsonValue, wanted?: string): WrittenBody {
  const declared = readRequestBody({ content, content_type_as: "content_type" }, refuse);
  return writeBody(declared!, value, wanted, refuse);
}
const textOf = ({ body }: WrittenBody): string =>
  typeof body === "string" ? body : Buffer.from(body).toString("latin1");

describe("writing a body", () => {
  it("writes JSON, under any of its names", () => {
    expect(write({ "application/merge-patch+json": {} }, { a: null })).toEqual({
      contentType: "application/merge-patch+json",
      body: '{"a":null}',
    });
    expect(write({ "application/json": {} }, "text").body).toBe('"text"');
  });

  it("writes one value a line", () => {
    expect(write({ "application/x-ndjson": {} }, [{ a: 1 }, 2]).body).toBe('{"a":1}\n2\n');
    expect(() => write({ "application/x-ndjson": {} }, {})).toThrow("is no list");
  });

  it("writes forms, each field as its encoding says", () => {
    const form = "application/x-www-form-urlencoded";
    const value = { name: "a b&c", tags: ["x", "y"], nested: { a: 1 }, none: null, on: true };
    expect(write({ [form]: {} }, value).body).toBe("name=a%20b%26c&tags=x&tags=y&nested=%7B%22a%22%3A1%7D&on=true");
    const encoding: JsonObject = {
      tags: { explode: false },
      nested: { style: "deepObject" },
      name: { allow_reserved: true },
    };
    expect(write({ [form]: { encoding } }, { ...value, name: "a/b?c=d&e" }).body).toBe(
      "name=a/b?c%3Dd%26e&tags=x,y&nested%5Ba%5D=1&on=true",
    );
    expect(write({ [form]: {} }, "a=1").body).toBe("a=1");
    expect(() => write({ [form]: {} }, [1])).toThrow("no form");
  });

  it("writes multipart: fields, JSON, files, lists of files, headers of parts", () => {
    const encoding: JsonObject = {
      photo: { content_type: "image/png", headers: { "X-Rank": "1" } },
      meta: { content_type: "application/json" },
      tags: { style: "form", explode: false },
    };
    const { contentType, body } = write(
      { "multipart/form-data": { encoding } },
      {
        title: 'say "é"',
        photo: { data: Buffer.from([0, 255, 13, 10]).toString("base64"), filename: 'a"b\r\n.png' },
        files: [{ text: "one", filename: "1.txt", content_type: "text/plain" }, { text: "two" }],
        meta: { a: 1 },
        tags: ["x", "y"],
        plain: { b: [2] },
        none: null,
      },
    );
    const boundary = /^multipart\/form-data; boundary=(ccos-[\w-]+)$/.exec(contentType)?.[1] as string;
    const parts = textOf({ contentType, body }).split(`--${boundary}`).slice(1);
    expect(parts.at(-1)).toBe("--\r\n");
    expect(parts.slice(0, -1).map((part) => part.slice(2, -2))).toEqual([
      `Content-Disposition: form-data; name="title"\r\n\r\nsay "${Buffer.from("é").toString("latin1")}"`,
      'Content-Disposition: form-data; name="photo"; filename="a%22b%0D%0A.png"\r\nContent-Type: image/png\r\nX-Rank: 1\r\n\r\n\x00ÿ\r\n',
      'Content-Disposition: form-data; name="files"; filename="1.txt"\r\nContent-Type: text/plain\r\n\r\none',
      'Content-Disposition: form-data; name="files"; filename="files"\r\nContent-Type: application/octet-stream\r\n\r\ntwo',
      'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":1}',
      'Content-Disposition: form-data; name="tags"\r\n\r\nx,y',
      'Content-Disposition: form-data; name="plain"\r\nContent-Type: application/json\r\n\r\n{"b":[2]}',
    ]);
  });

  it("writes the parts of other multipart types in order, without names", () => {
    const { body } = write({ "multipart/related": {} }, [{ name: "a" }, { text: "b", content_type: "text/plain" }]);
    expect(textOf({ contentType: "", body })).toMatch(
      /^--\S+\r\nContent-Type: application\/json\r\n\r\n\{"name":"a"\}\r\n--\S+\r\nContent-Type: text\/plain\r\n\r\nb\r\n--\S+--\r\n$/,
    );
  });

  it("never lets a value end its part or begin a header", () => {
    const hostile = { data: "AA==", content_type: "text/plain\r\nX: 1" };
    expect(() => write({ "multipart/form-data": {} }, { f: hostile })).toThrow("no header can carry");
  });

  it("sends bytes and texts as they are", () => {
    const binary = { "application/octet-stream": {} };
    expect(Buffer.from(write(binary, { data: "/+8" }).body as Uint8Array)).toEqual(Buffer.from([255, 239]));
    expect(Buffer.from(write(binary, { data: "_-8=" }).body as Uint8Array)).toEqual(Buffer.from([255, 239]));
    expect(write(binary, "text").body).toBe("text");
    expect(() => write(binary, { data: "no base64!" })).toThrow("no base64");
    expect(() => write(binary, { a: 1 })).toThrow("several parts");
    expect(write({ "text/plain": {} }, "é").contentType).toBe("text/plain; charset=utf-8");
    expect(write({ "application/xml": {} }, "<a/>")).toEqual({ contentType: "application/xml", body: "<a/>" });
  });

  it("chooses the type that the caller names, that the value says, or JSON, or the first", () => {
    const content = { "text/plain": {}, "application/json": {}, "image/*": {} };
    expect(write(content, "x").contentType).toBe("application/json");
    expect(write(content, "x", "text/plain").contentType).toBe("text/plain");
    expect(write(content, { data: "", content_type: "image/png" }).contentType).toBe("image/png");
    expect(() => write(content, "x", "text/csv")).toThrow("is one of text/plain, application/json, image/*");
    expect(write({ "image/*": {} }, { data: "" }).contentType).toBe("application/octet-stream");
    expect(write({ "*/*": {} }, { a: 1 }).contentType).toBe("application/json");
    expect(write({ "*/*": {} }, "x").contentType).toBe("text/plain");
  });
});
