import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkProgram } from "../src/capability/check-programs.ts";
import {
  compile,
  evaluate,
  formText,
  lint,
  print,
  read,
  readProgram,
  type Form,
  type LintWarning,
} from "../src/rtfs/index.ts";
import { repository } from "./run-process.ts";

const filesOf = (folder: string): string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".rtfs"))
    .map((file) => `${folder}/${file}`);
const text = (file: string): string => readFileSync(join(repository, file), "utf8");

test.each([...filesOf("examples"), ...filesOf("capabilities")])("nothing in %s is suspicious", (file) => {
  expect(checkProgram(text(file), file)).toEqual({ errors: [], warnings: [] });
});

/** What a case must come to for a warning of it to be true. */
const OUTCOME: Readonly<Record<string, string>> = {
  "unknown-name": "UndefinedSymbol",
  "wrong-arity": "ArityMismatch",
  type: "TypeValidationError",
};

interface Case {
  readonly program: string;
  readonly warnings: readonly LintWarning[];
  /** The kind of error; undefined where it has a value. */
  readonly failure: string | undefined;
}

function casesOf(file: string): Case[] {
  const forms = readProgram(text(file));
  const cases: Case[] = [];
  for (let at = 0; at + 2 < forms.length; at += 3) {
    const [form, verb, expected] = forms.slice(at, at + 3) as [Form, Form, Form];
    const quoted = form.kind === "list" && formText(form).startsWith("(text ") ? form.items[1] : undefined;
    const program = quoted?.kind === "string" ? quoted.value : formText(form);
    const { forms: own, errors } = read(program);
    if (errors.length > 0 || !isAccepted(own)) continue;
    cases.push({ program, warnings: lint(own), failure: formText(verb) === "!!" ? formText(expected) : undefined });
  }
  return cases;
}

function isAccepted(forms: readonly Form[]): boolean {
  try {
    compile(forms);
    return true;
  } catch {
    return false;
  }
}

async function outcome(program: string): Promise<string> {
  try {
    return print(await evaluate(program));
  } catch (error) {
    return String(error);
  }
}

describe("of the programs of the corpus", () => {
  const cases = filesOf("test/corpus").flatMap(casesOf);

  test("those that fail for a reason that can be seen are told, and no others", () => {
    expect(cases.length).toBeGreaterThan(500);
    for (const { program, warnings, failure } of cases) {
      // What is caught may well be the mistake that the case is about.
      if (program.includes("(try")) continue;
      for (const { code } of warnings) {
        if (code !== "unused-binding") expect(`${failure} in ${program}`).toBe(`${OUTCOME[code]} in ${program}`);
      }
    }
    const told = cases
      .filter(({ failure }) => failure === "UndefinedSymbol")
      .filter(({ warnings }) => warnings.length > 0);
    expect(told.length).toBeGreaterThan(0);
  });

  test("those that have an unused binding come to the same without its name", async () => {
    let judged = 0;
    for (const { program, warnings } of cases) {
      for (const { code, place } of warnings) {
        if (code !== "unused-binding" || program.includes("\n")) continue;
        const at = place.column - 1;
        expect(await outcome(`${program.slice(0, at)}_${program.slice(at)}`)).toBe(await outcome(program));
        judged++;
      }
    }
    expect(judged).toBeGreaterThan(0);
  });
});
