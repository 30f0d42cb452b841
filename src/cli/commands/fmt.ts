import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CcosError, isCcosError } from "../../kernel/index.ts";
import { format } from "../../rtfs/index.ts";
import { EXIT, type Command, type CommandContext } from "../command-context.ts";
import { reportError } from "../error-report.ts";
import { fileProblem, findProgramFiles } from "../program-files.ts";
import { readText } from "../read-input.ts";
import { replaceFile } from "../replace-file.ts";
import { UsageError } from "../usage-error.ts";

export interface FmtArguments {
  readonly paths: readonly string[];
  readonly check?: boolean | undefined;
}

/** Puts files into the canonical style, or only says which are not. */
export const fmtCommand: Command<FmtArguments> = async ({ paths, check = false }, context) => {
  if (paths.includes("-")) {
    if (paths.length > 1) throw new UsageError("Stdin cannot be formatted together with files.", "Give - alone.");
    return formatStdin(check, context);
  }
  const { output, options, cwd } = context;
  const { files, problems } = await findProgramFiles(paths, cwd);
  const errors: CcosError[] = [...problems];
  const changed: string[] = [];
  for (const file of files) {
    try {
      if (await formatFile(file, check, context)) changed.push(file);
    } catch (error) {
      errors.push(
        ...(error instanceof Unreadable ? error.errors : [isCcosError(error) ? error : fileProblem(file, error)]),
      );
    }
  }
  if (options.json === true) {
    output.data({
      files: files.length,
      changed,
      errors: errors.map(({ code, message, place }) => ({
        file: place?.file ?? null,
        line: place?.line ?? null,
        column: place?.column ?? null,
        code,
        message,
      })),
    });
  } else {
    for (const error of errors) reportError(error, output, { cwd });
    if (check) for (const file of changed) output.text(output.styleValue([], file));
    const what = check ? "not formatted" : "changed";
    output.note(`${files.length} ${files.length === 1 ? "file" : "files"}, ${changed.length} ${what}`);
  }
  if (errors.length > 0) return EXIT.badFile;
  return check && changed.length > 0 ? EXIT.failed : EXIT.done;
};

/** A file with mistakes of reading. */
class Unreadable extends Error {
  readonly errors: readonly CcosError[];

  constructor(errors: readonly CcosError[]) {
    super("unreadable");
    this.errors = errors;
  }
}

/** Whether the file is, or was, not in the canonical style. */
async function formatFile(file: string, check: boolean, { cwd }: CommandContext): Promise<boolean> {
  const path = resolve(cwd, file);
  const text = decode(file, await readFile(path));
  const result = format(text, { file });
  if (result.errors.length > 0) throw new Unreadable(result.errors);
  if (result.text === text) return false;
  if (!check) await replaceFile(path, result.text);
  return true;
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    // The mark stays in the text, so that a file that has one counts as changed.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CcosError("read-error", `${file} is not UTF-8 text.`, {
      place: { file, line: 1, column: 1 },
      remedy: "Save it as UTF-8.",
      cause,
    });
  }
}

async function formatStdin(check: boolean, context: CommandContext): Promise<number> {
  const { output, cwd } = context;
  const text = await readText("-", context);
  const result = format(text);
  if (result.errors.length > 0) {
    const sources = new Map([[undefined, text]]);
    for (const error of result.errors) reportError(error, output, { cwd, sources });
    return EXIT.badFile;
  }
  if (check) {
    if (result.text === text) return EXIT.done;
    output.text("-");
    return EXIT.failed;
  }
  // Printing a value ends the line itself.
  if (result.text !== "") output.value(result.text.replace(/\n$/, ""));
  return EXIT.done;
}
