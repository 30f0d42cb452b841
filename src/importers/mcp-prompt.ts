import { getOwn, isJsonObject, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { isAny, jsonSchemaToType, type Type } from "../rtfs/index.ts";
import { label } from "./clean-text.ts";
import type { Declaration } from "./declaration.ts";

const MOST_ARGUMENTS = 1000;

/** Says of a prompt what its server says: its arguments are texts, and its value is messages. */
export function declarePrompt(name: string, prompt: JsonObject, connection: JsonObject): Declaration {
  const properties: JsonObject = {};
  const required: JsonValue[] = [];
  const given = getOwn(prompt, "arguments");
  for (const argument of (Array.isArray(given) ? given : []).slice(0, MOST_ARGUMENTS)) {
    if (!isJsonObject(argument) || typeof argument["name"] !== "string") continue;
    setOwn(properties, argument["name"], { type: "string" });
    if (argument["required"] === true) required.push(argument["name"]);
  }
  return {
    title: textOf(prompt, "title"),
    description: described(prompt, Array.isArray(given) ? given : []),
    inputSchema: inputOf(properties, required),
    metadata: { mcp: { ...connection, prompt: name.toWellFormed(), requires_session: "auto" } },
  };
}

function described(prompt: JsonObject, given: readonly JsonValue[]): string {
  const lines = given.filter(isJsonObject).flatMap((argument) => {
    const about = textOf(argument, "description");
    return about === undefined ? [] : [`${label(textOf(argument, "name") ?? "")}: ${about}`];
  });
  return [textOf(prompt, "description") ?? "", ...lines].filter((line) => line !== "").join("\n");
}

/** A map of these members; undefined where there are none. */
export function inputOf(properties: JsonObject, required: readonly JsonValue[]): Type | undefined {
  if (Object.keys(properties).length === 0) return undefined;
  const type = jsonSchemaToType({ type: "object", properties, required: [...required] });
  return isAny(type) ? undefined : type;
}

export function textOf(from: JsonObject, key: string): string | undefined {
  const value = getOwn(from, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}
