import { open, readFile, rm, stat, writeFile, type FileHandle } from "node:fs/promises";
import { CcosError, createId } from "../../kernel/index.ts";
import type { Value } from "../../rtfs/index.ts";
import type { Manifest, NativeFunction } from "../manifest.ts";
import { NativeArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

/** Bytes of a file that is read at once. */
const LARGEST_FILE = 50_000_000;
const LONGEST_LINE = 10_000_000;
const MOST_OPEN = 64;

interface OpenFile {
  readonly file: FileHandle;
  /** Lines still to be read, once reading has begun. */
  lines: AsyncIterator<string> | undefined;
}

/** Files of this machine. Handles are texts that only their caller can use. */
export function fileCapabilities(): Manifest[] {
  const opened = new Map<string, OpenFile>();
  const handleOf = (id: string, args: NativeArguments, caller: string | undefined): { key: string; open: OpenFile } => {
    const key = `${caller ?? ""}/${args.string("handle")}`;
    const found = opened.get(key);
    if (found === undefined)
      throw new CcosError("invalid-argument", `${id}: there is no open file of this handle.`, {
        remedy: "Open it first.",
      });
    return { key, open: found };
  };
  const declare = (
    name: string,
    description: string,
    names: readonly string[],
    run: (args: NativeArguments, caller: string | undefined, signal: AbortSignal) => Promise<Value>,
  ): Manifest => {
    const id = `ccos.io.${name}`;
    const guarded: NativeFunction = async (args, { caller, signal }) => {
      try {
        return await run(new NativeArguments(id, names, args), caller, signal);
      } catch (error) {
        throw fileError(id, error);
      }
    };
    return nativeCapability({ id, description, run: guarded });
  };
  return [
    declare("file-exists", "Whether there is a file or folder of this path.", ["path"], async (args) => {
      const path = args.string("path");
      return stat(path).then(
        () => true,
        () => false,
      );
    }),
    declare("read-file", "The text of a file.", ["path"], async (args, _caller, signal) => {
      const path = args.string("path");
      const { size } = await stat(path);
      if (size > LARGEST_FILE)
        throw new CcosError("invalid-argument", `${path} has ${size} bytes, more than ${LARGEST_FILE}.`);
      return readFile(path, { encoding: "utf8", signal });
    }),
    declare(
      "write-file",
      "Writes a text to a file, in place of what it held.",
      ["path", "content"],
      async (args, _caller, signal) => {
        await writeFile(args.string("path"), args.string("content"), { encoding: "utf8", signal });
        return null;
      },
    ),
    declare("delete-file", "Deletes a file.", ["path"], async (args) => {
      await rm(args.string("path"));
      return null;
    }),
    declare(
      "open-file",
      'Opens a file; the mode is "r" (default), "w" or "a". Gives a handle.',
      ["path", "mode"],
      async (args, caller) => {
        const mode = args.optionalString("mode") ?? "r";
        if (!["r", "w", "a"].includes(mode))
          throw new CcosError("invalid-argument", `The mode is "r", "w" or "a", not ${JSON.stringify(mode)}.`);
        if (opened.size >= MOST_OPEN)
          throw new CcosError("invalid-argument", `More than ${MOST_OPEN} files cannot be open.`, {
            remedy: "Close some.",
          });
        const file = await open(args.string("path"), mode);
        const handle = createId("file");
        opened.set(`${caller ?? ""}/${handle}`, { file, lines: undefined });
        return handle;
      },
    ),
    declare(
      "read-line",
      "The next line of an open file, without its end; nil after the last.",
      ["handle"],
      async (args, caller) => {
        const found = handleOf("ccos.io.read-line", args, caller).open;
        found.lines ??= linesOf(found.file);
        const next = await found.lines.next();
        return next.done === true ? null : next.value;
      },
    ),
    declare("write-line", "Writes a text and a line end to an open file.", ["handle", "text"], async (args, caller) => {
      await handleOf("ccos.io.write-line", args, caller).open.file.write(`${args.string("text")}\n`);
      return null;
    }),
    declare("close-file", "Closes an open file.", ["handle"], async (args, caller) => {
      const { key, open: found } = handleOf("ccos.io.close-file", args, caller);
      opened.delete(key);
      await found.file.close();
      return null;
    }),
  ];
}

async function* linesOf(file: FileHandle): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let rest = "";
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) break;
    rest += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() as string;
    for (const line of lines) yield line.replace(/\r$/, "");
    if (rest.length > LONGEST_LINE)
      throw new CcosError("invalid-argument", `A line is longer than ${LONGEST_LINE} characters.`);
  }
  if (rest !== "") yield rest.replace(/\r$/, "");
}

function fileError(id: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code !== "string" || !/^E[A-Z]+$/.test(code)) return error;
  const missing = code === "ENOENT";
  return new CcosError(
    missing ? "not-found" : "rejected",
    `${id} failed: ${missing ? "there is no such file" : code}.`,
    {
      details: { kind: "IoError", code },
      cause: error,
    },
  );
}
