import { CcosError, fail, isJsonObject, oneLine, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { SourceText } from "./read-source.ts";

/** A text as data: a tree, in which nothing occurs twice and nothing is below itself. */
export interface DescriptionTree {
  readonly value: JsonValue;
  /** `line:column` of what a JSON Pointer leads to, or of the nearest thing above it; undefined where nobody kept it. */
  readonly lineOf: (pointer: readonly string[]) => Promise<string | undefined>;
}

/** A YAML text is read some hundred times slower than JSON. */
const LONGEST_YAML = 16 * 1024 * 1024;
/** What begins like JSON and is none is tried as YAML up to this length. */
const LONGEST_GUESSED = 1024 * 1024;
/** For lines: JSON is read as YAML, once, when a line is asked for. */
const LONGEST_LOCATED = 4 * 1024 * 1024;
/** Aliases let a short text stand for an exponentially large tree. */
const MOST_NODES = 8_000_000;
const DEEPEST = 400;
const MOST_MERGES = 1_000;

/** Reads JSON or YAML. Throws `invalid-argument` with the place where it is neither. */
export async function readTree(source: SourceText, noun: string): Promise<DescriptionTree> {
  const { text, shown } = source;
  const start = /\S/.exec(text)?.[0];
  if (start === undefined) return fail("invalid-argument", `${shown} is empty.`);
  if (start === "<") {
    return fail("invalid-argument", `${shown} is a page in HTML or XML and no ${noun}.`, {
      remedy: `Give the address of the ${noun} itself; on a page that shows it, look for a link to JSON or YAML.`,
    });
  }
  if (start === "{" || start === "[") {
    try {
      return { value: toTree(JSON.parse(text), shown), lineOf: lineFinder(text) };
    } catch (error) {
      if (error instanceof RangeError)
        return fail("invalid-argument", `${shown} is nested too deep.`, { cause: error });
      if (!(error instanceof SyntaxError)) throw error;
      // YAML has maps in braces, too: only where that fails as well, it is JSON with a mistake.
      const asYaml = text.length > LONGEST_GUESSED ? undefined : await readYaml(source, noun).catch(() => undefined);
      return asYaml ?? failAsJson(error, shown);
    }
  }
  return readYaml(source, noun);
}

async function readYaml({ text, shown }: SourceText, noun: string): Promise<DescriptionTree> {
  if (text.length > LONGEST_YAML) {
    fail("invalid-argument", `${shown} has ${text.length} characters, more than ${LONGEST_YAML} of YAML.`, {
      remedy: "Convert it to JSON, which is read faster.",
    });
  }
  if ((text.match(/<<\s*:/g)?.length ?? 0) > MOST_MERGES)
    fail("invalid-argument", `${shown} has more than ${MOST_MERGES} merge keys.`);
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const complain = (what: string, offset: number, cause?: unknown): never => {
    const { line, col: column } = lines.linePos(offset);
    return fail("invalid-argument", `${shown}:${line}:${column} is no YAML or JSON: ${what}`, {
      place: { file: shown, line, column },
      cause,
    });
  };
  let value: unknown;
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { lineCounter: lines, merge: true, logLevel: "silent", stringKeys: false });
    const [mistake] = document.errors;
    if (mistake !== undefined) return complain(firstLine(mistake.message), mistake.pos[0], mistake);
    // What aliases unfold to is counted below, whatever the number of them.
    value = document.toJS({ maxAliasCount: -1 });
  } catch (error) {
    if (error instanceof CcosError) throw error;
    return fail(
      "invalid-argument",
      `${shown} cannot be read as YAML: ${firstLine(error instanceof RangeError ? "it is nested too deep" : (error as Error).message)}.`,
      { cause: error },
    );
  }
  if (typeof value !== "object" || value === null) {
    return fail("invalid-argument", `${shown} is a text and no ${noun}.`, {
      remedy: `Give a ${noun} in JSON or YAML.`,
    });
  }
  return {
    value: toTree(value, shown),
    lineOf: async (pointer) => nodeLine(document, lines, pointer),
  };
}

/** The message of the parser, without the excerpt that follows it. */
function firstLine(message: string): string {
  if (message.includes("call stack")) return "it is nested too deep";
  return (message.split("\n", 1)[0] as string).replace(/ at line \d+, column \d+:?$/, "").replace(/:$/, "");
}

function failAsJson(error: SyntaxError, shown: string): never {
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(error.message) ?? [];
  const what = error.message
    .replace(/ \(line \d+ column \d+\)$|, "[\s\S]*" is not valid JSON$/, "")
    .replace(/ in JSON at position \d+$/, "");
  const at = line === undefined ? "" : `:${line}:${column}`;
  const place = { file: shown, line: Number(line), column: Number(column) };
  return fail("invalid-argument", `${shown}${at} is no JSON: ${oneLine(what, 200)}.`, {
    place: line === undefined ? undefined : place,
    cause: error,
  });
}

/**
 * A copy in which every occurrence is a value of its own, of plain JSON. Throws `invalid-argument` where it is too deep,
 * too large, or below itself.
 */
function toTree(value: unknown, shown: string): JsonValue {
  let nodes = 0;
  const copy = (given: unknown, depth: number): JsonValue => {
    if (++nodes > MOST_NODES) fail("invalid-argument", `${shown} unfolds to more than ${MOST_NODES} values.`);
    // What is below itself is endlessly deep.
    if (depth > DEEPEST) fail("invalid-argument", `${shown} is nested deeper than ${DEEPEST} levels.`);
    if (Array.isArray(given)) return given.map((item) => copy(item, depth + 1));
    if (given instanceof Date) return given.toISOString();
    if (given instanceof Map) return copy(Object.fromEntries(given), depth);
    if (isJsonObject(given)) {
      const result: JsonObject = {};
      for (const [key, item] of Object.entries(given)) setOwn(result, key, copy(item, depth + 1));
      return result;
    }
    return typeof given === "string" || typeof given === "number" || typeof given === "boolean" ? given : null;
  };
  return copy(value, 0);
}

/** Reads the text a second time, as YAML that keeps its places, when a line is asked for. */
function lineFinder(text: string): DescriptionTree["lineOf"] {
  let finding: Promise<DescriptionTree["lineOf"]> | undefined;
  const begin = async (): Promise<DescriptionTree["lineOf"]> => {
    const { LineCounter, parseDocument } = await import("yaml");
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, logLevel: "silent" });
    return async (pointer) => nodeLine(document, lines, pointer);
  };
  return async (pointer) => (text.length > LONGEST_LOCATED ? undefined : (await (finding ??= begin()))(pointer));
}

interface Located {
  getIn(path: readonly unknown[], keepScalar: true): unknown;
}

function nodeLine(
  document: Located,
  lines: { linePos(offset: number): { line: number; col: number } },
  pointer: readonly string[],
): string | undefined {
  for (let length = pointer.length; length >= 0; length--) {
    const path = pointer.slice(0, length).map((part) => (/^\d+$/.test(part) ? [part, Number(part)] : [part]));
    const node = nodeAt(document, path) as { range?: [number, number, number] | null } | undefined;
    if (node?.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return `${line}:${col}`;
    }
  }
  return undefined;
}

/** A number in a pointer is an index, or a key: a status, say, which YAML may hold as a number or as a text. */
function nodeAt(document: Located, path: readonly (readonly (string | number)[])[]): unknown {
  let at: unknown = document;
  for (const spellings of path) {
    const container = at as Partial<Located> | undefined;
    if (typeof container?.getIn !== "function") return undefined;
    at = undefined;
    for (const spelling of spellings) at ??= container.getIn([spelling], true);
  }
  return path.length === 0 ? (at as { contents?: unknown }).contents : at;
}
