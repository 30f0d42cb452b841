import { isCcosError, type CcosError } from "../kernel/index.ts";
import { compile, lint, read, type Form, type LintWarning } from "../rtfs/index.ts";
import { findDeclarations, type Declaration } from "./capability-forms.ts";
import { readTextFile } from "./read-text-file.ts";

export interface ProgramFindings {
  /** Forms of a wrong shape, which no run would get past. */
  readonly errors: readonly CcosError[];
  readonly warnings: readonly LintWarning[];
}

const MOST_FILE_BYTES = 10_000_000;
const MOST_WARNINGS = 200;
/** What `run --input` and the call of a capability bind. */
const DEFINED: readonly string[] = ["input"];

/** What is wrong, or looks wrong, with the code in files: programs, and the code of capabilities. Nothing is evaluated. */
export function checkPrograms(files: readonly string[]): ProgramFindings {
  const errors: CcosError[] = [];
  const warnings: LintWarning[] = [];
  for (const file of files) {
    const text = readableText(file);
    if (text === undefined) continue;
    const found = checkProgram(text, file);
    errors.push(...found.errors);
    warnings.push(...found.warnings);
  }
  return { errors, warnings };
}

/** The same for one text. What reading it as capabilities finds is not repeated. */
export function checkProgram(text: string, file?: string): ProgramFindings {
  const { forms, errors } = read(text, { file });
  if (errors.length > 0) return { errors: [], warnings: [] };
  const declaring = new Set<Form>();
  const warnings: LintWarning[] = [];
  for (const form of forms) {
    const { declarations, errors: mistakes } = findDeclarations([form]);
    if (declarations.length + mistakes.length > 0) declaring.add(form);
    for (const declaration of declarations) warnings.push(...lintImplementation(declaration));
  }
  const mistake = mistakeOf(forms.filter((form) => !declaring.has(form)));
  if (mistake === undefined) warnings.push(...lint(forms, { defined: DEFINED, skip: declaring }));
  warnings.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return { errors: mistake === undefined ? [] : [mistake], warnings: warnings.slice(0, MOST_WARNINGS) };
}

/** The code of a capability runs by itself: it sees nothing that the rest of its file defines. */
function lintImplementation({ fields }: Declaration): readonly LintWarning[] {
  const form = fields.get("implementation")?.form;
  return form === undefined || mistakeOf([form]) !== undefined ? [] : lint([form], { defined: DEFINED });
}

/** The first form that the analyzer refuses. */
function mistakeOf(forms: readonly Form[]): CcosError | undefined {
  try {
    compile(forms);
    return undefined;
  } catch (error) {
    if (isCcosError(error)) return error;
    throw error;
  }
}

/** Undefined for a file that is too large or cannot be read: loading has said so. */
function readableText(file: string): string | undefined {
  try {
    const text = readTextFile(file, MOST_FILE_BYTES);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
