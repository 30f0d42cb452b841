import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { BrokenBody, isJsonType, mediaTypeOf, readBytes, readText } from "./body.ts";
import { HttpResponse, TooLarge } from "./http-response.ts";

function answer(body: Buffer, headers: Record<string, string> = {}): HttpResponse {
  const response = new HttpResponse(200, headers, { abort() {}, pause() {}, resume() {} } as never);
  response.arrived(body);
  response.ended();
  return response;
}

const TEXT = "naïve ".repeat(50);

describe("a body", () => {
  test.each([
    ["gzip", gzipSync(TEXT)],
    ["x-gzip", gzipSync(TEXT)],
    ["deflate", deflateSync(TEXT)],
    ["deflate", deflateRawSync(TEXT)],
    ["br", brotliCompressSync(TEXT)],
    ["zstd", zstdCompressSync(TEXT)],
    ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
    ["identity", Buffer.from(TEXT)],
  ])("that came as %s is read", async (encoding, body) => {
    expect(await readText(answer(body, { "content-encoding": encoding }), 10_000)).toBe(TEXT);
  });

  test("that was not compressed is read at once", () => {
    expect(readText(answer(Buffer.from("{}")), 10)).toBe("{}");
  });

  test.each(["gzip", "br", "zstd"] as const)(
    "that %s has made small is limited by what it becomes",
    async (encoding) => {
      const zeros = Buffer.alloc(20_000_000);
      const body = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync }[encoding]?.(zeros) as Buffer;
      expect(body.length).toBeLessThan(100_000);
      await expect(readBytes(answer(body, { "content-encoding": encoding }), 1_000_000)).rejects.toThrow(TooLarge);
    },
  );

  test.each([
    ["gzip", Buffer.from("no gzip")],
    ["gzip", gzipSync(TEXT).subarray(0, 20)],
    ["compress", Buffer.from("what")],
    ["gzip, gzip, gzip, gzip, gzip", gzipSync(TEXT)],
  ])("that is no %s is broken", async (encoding, body) => {
    await expect(readBytes(answer(body, { "content-encoding": encoding }), 10_000)).rejects.toThrow(BrokenBody);
  });

  test("is text in its charset", async () => {
    const latin = answer(Buffer.from("na\xefve", "latin1"), { "content-type": 'text/plain; charset="ISO-8859-1"' });
    expect(await readText(latin, 100)).toBe("naïve");
    const unknown = answer(Buffer.from("x"), { "content-type": "text/plain; charset=klingon" });
    await expect(readText(unknown, 100)).rejects.toThrow(BrokenBody);
  });

  test("is JSON under several names", () => {
    const types = ["application/json; charset=utf-8", "Application/Problem+JSON", "text/html", ""];
    expect(types.map((type) => isJsonType(mediaTypeOf(answer(Buffer.alloc(0), { "content-type": type }))))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
