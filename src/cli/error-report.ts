import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { toCcosError, type ErrorPlace } from "../kernel/index.ts";
import type { Output } from "./output.ts";
import { UsageError } from "./usage-error.ts";

/** Texts that places may point into besides files, by the name the places give. */
export type Sources = ReadonlyMap<string | undefined, string>;

export interface ErrorReportOptions {
  readonly cwd: string;
  readonly sources?: Sources | undefined;
}

/** Prints an error for people: code and message, the place with its line, and the remedy, each where there is one. */
export function reportError(thrown: unknown, output: Output, options: ErrorReportOptions): void {
  if (thrown instanceof UsageError) {
    output.problem(`${output.style(["red", "bold"], "error[usage]:")} ${clean(output, thrown.message)}`);
    if (thrown.remedy !== undefined) output.problem(indent(clean(output, thrown.remedy)));
    return;
  }
  const error = toCcosError(thrown);
  output.problem(`${output.style(["red", "bold"], `error[${error.code}]:`)} ${clean(output, error.message)}`);
  if (error.place !== undefined) {
    for (const line of excerptOf(error.place, error.message, options)) output.problem(`  ${clean(output, line)}`);
  }
  if (error.remedy !== undefined) output.problem(indent(clean(output, error.remedy)));
}

function clean(output: Output, text: string): string {
  return output.style([], text);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}

const WIDEST = 100;
const LARGEST_FILE = 16 * 1024 * 1024;

/** `file:line:column`, unless the message has said so, and the line with the place marked under it. */
function excerptOf(place: ErrorPlace, message: string, { cwd, sources }: ErrorReportOptions): string[] {
  const name = `${place.file ?? "program"}:${place.line}:${place.column}`;
  const lines = message.includes(name) ? [] : [`at ${name}`];
  const text =
    sources?.get(place.file) ?? (place.file === undefined ? undefined : readSource(resolve(cwd, place.file)));
  const source = text?.split("\n")[place.line - 1]?.replace(/\r$/, "");
  if (source === undefined) return lines;
  const column = place.column - 1;
  // Only what is around the place helps in a file of one endless line.
  const from = column > WIDEST - 20 ? column - 40 : 0;
  const shown = source.slice(from, from + WIDEST).replaceAll("\t", " ");
  const gutter = `${place.line} | `;
  return [
    ...lines,
    `${gutter}${shown}`,
    `${" ".repeat(gutter.length - 2)}| ${" ".repeat(Math.max(0, column - from))}^`,
  ];
}

function readSource(file: string): string | undefined {
  try {
    return statSync(file).size <= LARGEST_FILE ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
