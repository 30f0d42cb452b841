import { expect, test } from "vitest";
import { pipedLines } from "./piped-lines.ts";

async function* chunks(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts)
    yield await Promise.resolve(typeof text === "string" ? new TextEncoder().encode(text) : text);
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

const never = new AbortController().signal;

test("lines end at line ends, wherever the chunks do", async () => {
  expect(await collect(pipedLines(chunks("a\nb", "c\r\n", "\nd"), never))).toEqual(["a", "bc", "", "d"]);
  expect(await collect(pipedLines(chunks("a\n"), never))).toEqual(["a"]);
  expect(await collect(pipedLines(chunks(), never))).toEqual([]);
});

test("a character that two chunks share is one character", async () => {
  const [first, ...rest] = new TextEncoder().encode("é\n");
  expect(await collect(pipedLines(chunks(new Uint8Array([first as number]), new Uint8Array(rest)), never))).toEqual([
    "é",
  ]);
});

test("a signal ends them, and lets the pipe go", async () => {
  const controller = new AbortController();
  let destroyed = false;
  const stdin = {
    destroy: () => void (destroyed = true),
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Uint8Array>>(() => {}) }),
  };
  const all = collect(pipedLines(stdin, controller.signal));
  controller.abort();
  expect(await all).toEqual([]);
  expect(destroyed).toBe(true);
});
