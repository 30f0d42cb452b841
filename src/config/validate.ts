import {
  CcosError,
  didYouMean,
  getOwn,
  isJsonObject,
  type ErrorPlace,
  type JsonObject,
  type JsonValue,
} from "../kernel/index.ts";
import { hasReference, interpolate, isWholeReference } from "./interpolate.ts";
import type { Config } from "./schema.ts";

export interface ValidateContext {
  /** The file's name for people, or what stands for it. */
  readonly name: string;
  /** Where things stand in the file; undefined for an object. */
  readonly placeOf: ((path: readonly PropertyKey[], which: "key" | "value") => ErrorPlace) | undefined;
  /** Without trust no variable may be read. */
  readonly trusted: boolean;
  /** Top-level keys that are not in force anyway, so that what they refer to need not be looked up. */
  readonly ignored: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Mistake {
  readonly path: readonly PropertyKey[];
  readonly what: string;
  readonly which: "key" | "value";
}

/** Replaces variables and checks the whole by the schema. Every mistake is in one `read-error`, a line each. */
export async function validateConfig(raw: JsonObject, context: ValidateContext): Promise<Config> {
  const mistakes: Mistake[] = [];
  let candidate = hasReference(raw) ? (interpolate(raw, lookup(context, mistakes)) as JsonObject) : raw;
  if (mistakes.length > 0) throw report(mistakes, context);

  // Loaded here and not above: whoever has no configuration does not pay for the schema library.
  const { configSchema, knownKeys } = await import("./schema.ts");
  for (;;) {
    const result = configSchema.safeParse(candidate);
    if (result.success) return result.data;
    const issues = (result.error.issues as readonly Issue[]).flatMap((issue) => ofBranch(issue, candidate));
    const converted = convertReferences(raw, candidate, issues);
    if (converted === undefined)
      throw report(
        issues.flatMap((issue) => explain(issue, candidate, knownKeys)),
        context,
      );
    candidate = converted;
  }
}

function lookup(context: ValidateContext, mistakes: Mistake[]): (name: string, path: readonly PropertyKey[]) => string {
  return (variable, path) => {
    if (!context.trusted) {
      if (!context.ignored.includes(String(path[0]))) {
        const what = `reads the variable ${variable}, which a file that is not trusted may not. To trust it: ccos trust ${context.name}`;
        mistakes.push({ path, what, which: "value" });
      }
      return "untrusted";
    }
    const value = getOwn(context.env, variable);
    if (value === undefined)
      mistakes.push({ path, what: `needs the variable ${variable}, which is not set`, which: "value" });
    return value ?? "";
  };
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[] | undefined;
  readonly expected?: string | undefined;
  readonly issues?: readonly { readonly message: string }[] | undefined;
  /** Of a union: what is wrong with each of its branches. Their paths start here. */
  readonly errors?: readonly (readonly Issue[])[] | undefined;
}

/** A block that may also be false is wrong as a block, unless it is none. */
function ofBranch(issue: Issue, candidate: JsonObject): Issue[] {
  const branch = issue.errors?.[0];
  if (issue.code !== "invalid_union" || branch === undefined) return [issue];
  if (!isJsonObject(valueAt(candidate, issue.path)))
    return [{ ...issue, message: "must be an object of settings, or false" }];
  return branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** A variable is always a text; where the schema wants a number or a truth value, what it spells counts. */
function convertReferences(raw: JsonObject, candidate: JsonObject, issues: readonly Issue[]): JsonObject | undefined {
  let changed: JsonObject | undefined;
  for (const { code, path, expected } of issues) {
    if (code !== "invalid_type" || !isWholeReference(valueAt(raw, path))) continue;
    const value = valueAt(candidate, path);
    const text = typeof value === "string" ? value.trim() : "";
    const spelled = text === "true" || text === "false" ? text === "true" : text === "" ? Number.NaN : Number(text);
    if (Number.isNaN(spelled) || typeof spelled !== expected) continue;
    changed ??= structuredClone(candidate);
    const holder = valueAt(changed, path.slice(0, -1));
    if (isJsonObject(holder)) holder[String(path.at(-1))] = spelled;
  }
  return changed;
}

function valueAt(value: JsonValue | undefined, path: readonly PropertyKey[]): JsonValue | undefined {
  let found = value;
  for (const part of path) {
    if (Array.isArray(found)) found = found[Number(part)];
    else found = isJsonObject(found) ? getOwn(found, String(part)) : undefined;
  }
  return found;
}

function explain(
  issue: Issue,
  candidate: JsonObject,
  knownKeys: (path: readonly PropertyKey[]) => readonly string[],
): Mistake[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(path);
    return (issue.keys ?? []).map((key) => ({
      path: [...path, key],
      what: `is no setting here. ${didYouMean(key, known) || `There are ${known.join(", ")}.`}`,
      which: "key",
    }));
  }
  if (issue.code === "invalid_key")
    return [{ path, what: issue.issues?.[0]?.message ?? "is no valid key", which: "key" }];
  if (valueAt(candidate, path) === undefined) return [{ path, what: "is missing", which: "value" }];
  return [{ path, what: issue.message.slice(0, 1).toLowerCase() + issue.message.slice(1), which: "value" }];
}

function report(mistakes: readonly Mistake[], { name, placeOf }: ValidateContext): CcosError {
  const lines = mistakes.map(({ path, what, which }) => {
    const place = placeOf?.(path, which);
    const at = place === undefined ? name : `${name}:${place.line}:${place.column}`;
    return { place, text: `${at} ${dotted(path)}${what}` };
  });
  return new CcosError("read-error", lines.map((line) => line.text).join("\n"), {
    place: lines[0]?.place,
    remedy: "Correct the configuration; schema/ccos.config.json lists every setting.",
  });
}

function dotted(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "";
  return `${path.map((part) => (/^[\w$-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part)))).join(".")} `;
}
