import { isJsonObject, type JsonValue, parsePath, valueAt, type JsonPath } from "../../kernel/index.ts";
import { parseTemplate, type Scope, type Template } from "./template.ts";

/** Tells messages of one kind from others. */
export interface Match {
  matches(message: JsonValue, scope: Scope): boolean;
  readonly names: ReadonlySet<string>;
}

/**
 * A map of paths and what has to stand there: a value, a vector of which one will do, or `"*"` for anything but nothing.
 * Texts may have places to fill. A text instead of the map: the whole message is that text. A vector of maps: one will do.
 * Undefined where it is none of these.
 */
export function parseMatch(source: JsonValue): Match | undefined {
  if (Array.isArray(source)) {
    const several = source.map((one) => (Array.isArray(one) ? undefined : parseMatch(one)));
    if (several.length === 0 || several.includes(undefined)) return undefined;
    const all = several as Match[];
    return {
      matches: (message, scope) => all.some((one) => one.matches(message, scope)),
      names: new Set(all.flatMap(({ names }) => [...names])),
    };
  }
  const entries: readonly (readonly [string, JsonValue])[] | undefined =
    typeof source === "string" ? [["", source]] : isJsonObject(source) ? Object.entries(source) : undefined;
  if (entries === undefined) return undefined;
  const conditions: Condition[] = [];
  for (const [key, wanted] of entries) {
    const path = parsePath(key);
    if (path === undefined || isJsonObject(wanted)) return undefined;
    const choices = (Array.isArray(wanted) ? wanted : [wanted]).map((choice) => parseTemplate(choice));
    conditions.push({ path, choices, anything: wanted === "*" });
  }
  return {
    matches: (message, scope) => conditions.every((condition) => holds(condition, message, scope)),
    names: new Set(conditions.flatMap(({ choices }) => choices.flatMap(({ names }) => [...names]))),
  };
}

interface Condition {
  readonly path: JsonPath;
  readonly choices: readonly Template[];
  readonly anything: boolean;
}

function holds({ path, choices, anything }: Condition, message: JsonValue, scope: Scope): boolean {
  const found = valueAt(message, path);
  if (found === undefined || (found === null && anything)) return false;
  if (anything) return true;
  if (typeof found === "object" && found !== null) return false;
  // 7 and "7" are one id: a peer may give as a number what it took as a text.
  return choices.some((choice) => {
    // As long as it is not known, any may be it.
    if (choice.names.has("$subscription") && scope.values?.["$subscription"] === undefined) return true;
    const wanted = choice.render(scope);
    return wanted !== undefined && typeof wanted !== "object" ? String(wanted) === String(found) : wanted === found;
  });
}
