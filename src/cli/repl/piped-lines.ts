import { untilAborted } from "../../kernel/index.ts";

/** The lines of bytes as they come, the last one too if it has no end. Ends early when the signal aborts. */
export async function* pipedLines(stdin: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const chunks = stdin[Symbol.asyncIterator]();
  let parts: string[] = [];
  for (;;) {
    const next = await untilAborted(chunks.next(), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    if (next === undefined) {
      // A pipe that nobody closes would keep the process.
      if ("destroy" in stdin && typeof stdin.destroy === "function") stdin.destroy();
      return;
    }
    const text = next.done === true ? decoder.decode() : decoder.decode(next.value, { stream: true });
    const lines = text.split("\n");
    while (lines.length > 1) {
      parts.push(lines.shift() as string);
      yield parts.join("").replace(/\r$/, "");
      parts = [];
    }
    parts.push(lines[0] as string);
    if (next.done === true) break;
  }
  const rest = parts.join("");
  if (rest !== "") yield rest;
}
