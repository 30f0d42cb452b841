import type { Dispatcher } from "undici";
import { beforeEach, describe, expect, test } from "vitest";

import { HttpResponse, TooLarge } from "./http-response.ts";

let done: string[];
let response: HttpResponse;

beforeEach(() => {
  done = [];
  const controller = {
    pause: () => done.push("pause"),
    resume: () => done.push("resume"),
    abort: (reason: Error) => done.push(`abort: ${reason.message}`),
  };
  const headers = { "x-one": "1", "x-two": ["a", "b"] };
  response = new HttpResponse(200, headers, controller as unknown as Dispatcher.DispatchController);
});

const arrives = (text: string): void => response.arrived(Buffer.from(text));

describe("the body of an answer", () => {
  test("is whole, whether it came before or after somebody read it", async () => {
    arrives("one ");
    const text = response.text(100);
    arrives("two ");
    arrives("three");
    response.ended();
    expect(await text).toBe("one two three");
  });

  test("is there at once where it had ended before it was read", async () => {
    arrives("all of it");
    response.ended();
    expect(await response.text(100)).toBe("all of it");
  });

  test("loses a byte order mark, which is no part of JSON", async () => {
    arrives("\ufeff{}");
    response.ended();
    expect(await response.text(100)).toBe("{}");
  });

  test("keeps characters whole that were cut between two pieces", async () => {
    const bytes = Buffer.from("naïve");
    response.arrived(bytes.subarray(0, 3));
    response.arrived(bytes.subarray(3));
    response.ended();
    expect(await response.text(100)).toBe("naïve");
  });

  test("makes the server wait while nobody reads", async () => {
    response.arrived(Buffer.alloc(64 * 1024));
    expect(done).toEqual([]);
    arrives("more");
    expect(done).toEqual(["pause"]);
    const text = response.text(1e6);
    expect(done).toEqual(["pause", "resume"]);
    response.ended();
    expect(await text).toHaveLength(64 * 1024 + 4);
  });

  test("beyond the limit closes the connection, before it has all arrived", async () => {
    const text = response.text(5);
    arrives("12345");
    arrives("6");
    await expect(text).rejects.toThrow(TooLarge);
    expect(done).toEqual(["resume", "abort: more than 5 bytes"]);
    arrives("7");
    response.ended();
  });

  test("beyond the limit is refused even where all of it came early", async () => {
    arrives("123456");
    response.ended();
    await expect(Promise.resolve(response.text(5))).rejects.toThrow(TooLarge);
  });

  test("that declares too many bytes is not read at all", async () => {
    const declared = new HttpResponse(200, { "content-length": "6" }, { abort: () => done.push("abort") } as never);
    await expect(declared.text(5)).rejects.toThrow(TooLarge);
    expect(done).toEqual(["abort"]);
  });

  test("that breaks off fails whoever reads, now or later", async () => {
    const early = response.text(100);
    response.failed(new Error("reset"));
    await expect(early).rejects.toThrow("reset");
    const late = new HttpResponse(200, {}, {} as never);
    late.arrived(Buffer.from("half"));
    late.failed(new Error("reset"));
    await expect(late.text(100)).rejects.toThrow("reset");
  });

  test("of an error page is cut, and what came before a break is kept", async () => {
    const excerpt = response.excerpt(4);
    arrives("<html>");
    expect(await excerpt).toBe("<html>");
    expect(done).toContain("abort: more than 4 bytes");
    const broken = new HttpResponse(500, {}, {} as never);
    broken.arrived(Buffer.from("some"));
    broken.failed(new Error("reset"));
    expect(await broken.excerpt()).toBe("some");
  });
});

test("a header that came twice is one text", () => {
  expect([response.header("x-one"), response.header("x-two")]).toEqual(["1", "a, b"]);
});
