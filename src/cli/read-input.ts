import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseJson, type JsonValue } from "../kernel/index.ts";
import type { CommandContext } from "./command-context.ts";
import { UsageError } from "./usage-error.ts";

const LARGEST_INPUT = 256 * 1024 * 1024;

/** A text from a file, or from stdin where the name is `-`. */
export async function readText(name: string, context: Pick<CommandContext, "cwd" | "stdin">): Promise<string> {
  if (name === "-") return readStdin(context.stdin);
  try {
    return await readFile(resolve(context.cwd, name), "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "does not exist" : code === "EISDIR" ? "is a folder" : `cannot be read (${code})`;
    throw new UsageError(`The file ${name} ${why}.`);
  }
}

async function readStdin(stdin: CommandContext["stdin"]): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    size += chunk.length;
    if (size > LARGEST_INPUT) throw new UsageError(`More than ${LARGEST_INPUT} bytes came on stdin.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** JSON as it stands on a command line: itself, `@FILE`, or `-` for stdin. */
export async function readJsonArgument(argument: string, context: Pick<CommandContext, "cwd" | "stdin">): Promise<JsonValue> {
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
