import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { parseJson, untilAborted, type JsonValue } from "../kernel/index.ts";
import type { CommandContext } from "./command-context.ts";
import { UsageError } from "./usage-error.ts";

const LARGEST_INPUT = 256 * 1024 * 1024;

/** What reading needs of a command: the signal only where Ctrl-C does not end the process by itself. */
export type InputContext = Pick<CommandContext, "cwd" | "stdin"> & Partial<Pick<CommandContext, "signal">>;

/** A text from a file, or from stdin where the name is `-`. */
export async function readText(name: string, context: InputContext): Promise<string> {
  if (name === "-") return collect(context.stdin, "on stdin", context.signal);
  try {
    return await collect(createReadStream(resolve(context.cwd, name)), `in ${name}`, context.signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof UsageError || code === "canceled") throw error;
    const why = code === "ENOENT" ? "does not exist" : code === "EISDIR" ? "is a folder" : `cannot be read (${code})`;
    throw new UsageError(`The file ${name} ${why}.`);
  }
}

/** Chunk by chunk, because neither a pipe nor a device says how much will come. */
async function collect(
  stream: AsyncIterable<Uint8Array>,
  where: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > LARGEST_INPUT) throw new UsageError(`There are more than ${LARGEST_INPUT} bytes ${where}.`);
      chunks.push(chunk);
    }
  };
  try {
    await untilAborted(read(), signal);
  } catch (error) {
    // An open pipe or terminal that is still being read would keep the process.
    if (stream instanceof Readable) stream.destroy();
    throw error;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** JSON as it stands on a command line: itself, `@FILE`, or `-` for stdin. */
export async function readJsonArgument(argument: string, context: InputContext): Promise<JsonValue> {
  const [text, where] =
    argument === "-"
      ? [await readText("-", context), "on stdin"]
      : argument.startsWith("@")
        ? [await readText(argument.slice(1), context), `in ${argument.slice(1)}`]
        : [argument, "in the argument"];
  return parseJsonText(text, where);
}

export function parseJsonText(text: string, where: string): JsonValue {
  try {
    return parseJson(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(
      `The text ${where} is not JSON: ${(error as Error).message}.`,
      "Put it in single quotes for the shell, or give it as @FILE, as - for stdin, or as key=value pairs.",
    );
  }
}
