import { CcosError, isJsonObject, toCcosError, type JsonValue } from "../kernel/index.ts";
import { fromJson, toJson, type Value } from "../rtfs/index.ts";
import type { Manifest } from "./manifest.ts";
import { normaliseInput } from "./normalise-input.ts";

/** JSON as a program sees it: keys are keywords where they read back as one. */
export function valueOfJson(json: JsonValue): Value {
  return fromJson(json, { keys: "keywords" });
}

/**
 * The input that a caller outside the language means: no input is one without fields, and a value that is
 * no object is that of the only required field.
 */
export function inputOfJson(manifest: Manifest, input: JsonValue | undefined): JsonValue {
  if (isJsonObject(input)) return input;
  const args = input === undefined ? [] : [valueOfJson(input)];
  return toJson(normaliseInput(manifest.id, manifest.inputSchema, args));
}

/** The value that code gave, for a caller outside the language. */
export function outputAsJson(manifest: Manifest, value: Value): JsonValue {
  try {
    return toJson(value);
  } catch (error) {
    throw new CcosError(
      "eval-error",
      `The value of ${JSON.stringify(manifest.id)} cannot leave the language: ${toCcosError(error).message}`,
      {
        remedy: "Let it give data: maps, vectors, texts, numbers.",
        cause: error,
      },
    );
  }
}
