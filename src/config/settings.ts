import { getOwn, isJsonObject, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";

/** Settings from one place, nested as in a file; what it leaves out, a weaker layer may say. */
export interface SettingsLayer {
  /** Where they come from, for people: `capability`, `configuration`, `default` … */
  readonly source: string;
  readonly values: JsonObject | undefined;
}

export interface Setting {
  readonly value: JsonValue;
  readonly source: string;
}

export interface ResolvedSettings {
  /** Nested as the layers are. */
  readonly values: JsonObject;
  /** The source of each value by its dotted path, such as `session.max_sessions`. */
  readonly sources: Readonly<Record<string, string>>;
  /** Nested as the values, with `{value, source}` in place of each. */
  readonly explained: JsonObject;
}

/**
 * One set of settings from several layers, the strongest first. Objects are merged key by key, anything
 * else (lists too) is taken whole from the strongest layer that has it.
 */
export function resolveSettings(layers: readonly SettingsLayer[]): ResolvedSettings {
  const values: JsonObject = {};
  const explained: JsonObject = {};
  const sources: Record<string, string> = {};
  for (const { source, values: layer } of layers) {
    if (layer !== undefined) merge(layer, source, "", values, explained, sources);
  }
  return { values, sources, explained };
}

function merge(
  from: JsonObject,
  source: string,
  path: string,
  into: JsonObject,
  explained: JsonObject,
  sources: Record<string, string>,
): void {
  for (const [key, value] of Object.entries(from)) {
    if (value === undefined) continue;
    const at = path === "" ? key : `${path}.${key}`;
    const known = getOwn(into, key);
    if (isJsonObject(value)) {
      // A stronger layer that gave a plain value here has settled the whole branch.
      if (known !== undefined && !isJsonObject(known)) continue;
      if (known === undefined) {
        setOwn(into, key, {});
        setOwn(explained, key, {});
      }
      merge(value, source, at, getOwn(into, key) as JsonObject, getOwn(explained, key) as JsonObject, sources);
    } else if (known === undefined) {
      setOwn(into, key, value);
      setOwn(explained, key, { value, source });
      setOwn(sources, at, source);
    }
  }
}
