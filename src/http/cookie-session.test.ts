import { describe, expect, test } from "vitest";

import { openCookies } from "./cookie-session.ts";

const AT = new URL("https://api.shop.example/v1/login");
const answer = (...cookies: string[]) => ({ headers: () => cookies });

describe("the cookies of a session", () => {
  test("go where their path, domain and scheme allow it", async () => {
    const cookies = await openCookies();
    expect(cookies.take(AT, answer("sid=abcdef; Path=/v1; Secure; HttpOnly", "all=1; Path=/"))).toBe(true);
    expect(cookies.header(new URL("https://api.shop.example/v1/orders"))).toBe("sid=abcdef; all=1");
    expect(cookies.header(new URL("https://api.shop.example/v2"))).toBe("all=1");
    expect(cookies.header(new URL("http://api.shop.example/v1/orders"))).toBe("all=1");
    expect(cookies.header(new URL("https://evil.example/v1"))).toBeUndefined();
    expect(cookies.header(AT, "fixed=1")).toBe("fixed=1; sid=abcdef; all=1");
    expect(cookies.secrets()).toContain("abcdef");
  });

  test("of other hosts and of whole registries are not taken", async () => {
    const cookies = await openCookies();
    expect(cookies.take(AT, answer("a=1; Domain=evil.example", "b=2; Domain=com", "not a cookie;;"))).toBe(false);
    expect(cookies.has(AT)).toBe(false);
  });

  test("survive a snapshot; one that is none is empty", async () => {
    const cookies = await openCookies();
    cookies.take(AT, answer("sid=abcdef; Max-Age=60"));
    const again = await openCookies(JSON.parse(JSON.stringify(cookies.snapshot())));
    expect(again.header(AT)).toBe("sid=abcdef");
    for (const broken of [undefined, 7, { cookies: "x" }, { version: {} }])
      expect((await openCookies(broken)).header(AT)).toBeUndefined();
  });

  test("are bounded in number and in length", async () => {
    const cookies = await openCookies();
    for (let turn = 0; turn < 20; turn++)
      cookies.take(AT, answer(...Array.from({ length: 100 }, (_, at) => `c${turn}-${at}=v`)));
    expect(cookies.secrets()).toHaveLength(200);
    const few = await openCookies();
    expect(few.take(AT, answer(`long=${"x".repeat(10_000)}`))).toBe(false);
  });

  test("know when the first of them ends", async () => {
    const cookies = await openCookies();
    expect(cookies.expiresAt()).toBeUndefined();
    const before = Date.now();
    cookies.take(AT, answer("a=1; Max-Age=60", "b=2; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "c=3"));
    expect(cookies.expiresAt()).toBeGreaterThanOrEqual(before + 59_000);
    expect(cookies.expiresAt()).toBeLessThanOrEqual(Date.now() + 60_000);
  });
});
