import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { readBookmark, writeBookmark } from "./bookmark.ts";
import { itemsIn, nextLink, nextPlace, type PagePlace } from "./pages.ts";
import type { Pagination } from "./operation.ts";
import { readPagination } from "./read-pagination.ts";

const pagination = (block: JsonObject): Pagination =>
  readPagination(block, (what) => {
    throw new Error(what);
  }) as Pagination;
const FROM = new URL("https://api.test/v1/items?page=2");
const after = (
  block: JsonObject,
  value: JsonValue,
  place?: PagePlace,
  link?: string,
  count = 2,
): PagePlace | undefined =>
  nextPlace(
    { value, url: FROM, response: { header: (name) => (name === "link" ? link : undefined) } },
    place,
    count,
    pagination(block),
  );

describe("the next page", () => {
  it.each([
    ['<https://api.test/v1/items?page=3>; rel="next"', "https://api.test/v1/items?page=3"],
    ['</a?x=1,2>; rel="prev", </b?y=1;z=2>; title="a, b"; rel="next last"', "/b?y=1;z=2"],
    ["</a>; rel=NEXT", "/a"],
    ['</a>; rel="nextish"', undefined],
    ["</a>; title=next", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("of the header %s is at %s", (header, target) => {
    expect(nextLink(header)).toBe(target);
  });

  it("is where a link leads, within the origin", () => {
    const link = (to: string): string => `<${to}>; rel="next"`;
    expect(after({ kind: "link" }, [], undefined, link("?page=3"))).toEqual({ address: "/v1/items?page=3" });
    expect(after({ kind: "link" }, [])).toBeUndefined();
    for (const to of ["https://evil.test/v1", "//evil.test/", "http://api.test/v1/items", "javascript:x"]) {
      expect(() => after({ kind: "link" }, [], undefined, link(to))).toThrow("credentials do not follow");
      expect(() => after({ next_path: "next" }, { next: to })).toThrow("credentials do not follow");
    }
    expect(after({ next_path: "meta.next" }, { meta: { next: "/v1/items?page=3" } })).toEqual({
      address: "/v1/items?page=3",
    });
    expect(after({ next_path: "meta.next" }, { meta: { next: null } })).toBeUndefined();
  });

  it("is what a cursor leads to, until there is none", () => {
    const block = { cursor_param: "after", cursor_path: "/page/end", more_path: "page.more" };
    expect(after(block, { page: { end: "c2", more: true } })).toEqual({ value: "c2" });
    expect(after(block, { page: { end: 7 } })).toEqual({ value: 7 });
    for (const value of [
      {},
      { page: { end: null } },
      { page: { end: "" } },
      { page: { end: "c", more: false } },
      [],
      null,
    ]) {
      expect(after(block, value as JsonValue)).toBeUndefined();
    }
  });

  it("is counted, until a page has no items", () => {
    expect(after({ page_param: "page" }, [], { value: 4 })).toEqual({ value: 5 });
    expect(after({ offset_param: "skip" }, [], { value: 4 }, undefined, 3)).toEqual({ value: 7 });
    expect(after({ page_param: "page" }, [], { value: 4 }, undefined, 0)).toBeUndefined();
    expect(after("none" as unknown as JsonObject, [], { value: 4 })).toBeUndefined();
  });

  it("is never the same again", () => {
    expect(() => after({ cursor_param: "a", cursor_path: "c" }, { c: "x" }, { value: "x" })).toThrow("leads to itself");
    expect(() => after({ kind: "link" }, [], undefined, `<${FROM.href}>; rel=next`)).toThrow("leads to itself");
  });
});

describe("the items of a page", () => {
  it("are the answer itself, or stand where it is said", () => {
    expect(itemsIn([1], pagination({}))).toEqual([1]);
    expect(itemsIn({ a: [1] }, pagination({}))).toBeUndefined();
    expect(itemsIn({ a: { b: [1] } }, pagination({ items_path: "a.b" }))).toEqual([1]);
    expect(itemsIn({ a: {} }, pagination({ items_path: "a.b" }))).toEqual([]);
    expect(itemsIn({ a: 1 }, pagination({ items_path: "a" }))).toBeUndefined();
  });
});

describe("what a stream is taken up again with", () => {
  it.each([
    { place: undefined, taken: 3, page: 1 },
    { place: { value: "c" }, taken: 0, page: 2 },
    { place: { value: 7 }, taken: 0, page: 2 },
    { place: { address: "/v1/items?page=3" }, taken: 1, page: 3 },
    { place: undefined, taken: 0, page: 1, event: "e-1" },
  ])("says all of %j", (bookmark) => {
    expect(readBookmark(writeBookmark(bookmark))).toEqual(bookmark);
  });

  it.each([
    "",
    "[]",
    "{}",
    '{"taken":-1,"page":1}',
    '{"taken":0,"page":0}',
    '{"taken":0,"page":1,"address":"//evil.test/"}',
    '{"taken":0,"page":1,"address":"/\\\\evil.test"}',
    '{"taken":0,"page":1,"address":"https://evil.test/"}',
    '{"taken":0,"page":1,"value":{"a":1}}',
    '{"taken":0,"page":1,"event":"a\\r\\nx: 1"}',
  ])("is none of ours where it is %s", (text) => {
    expect(() => readBookmark(text)).toThrow("no cursor of it");
  });
});
