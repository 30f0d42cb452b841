import { fail, getOwn, isJsonObject, stringifyJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { SessionCapability, SessionCall } from "../../session/handler.ts";

/** What a capability does at its server. */
export type McpOperation =
  | { readonly kind: "tool"; readonly name: string }
  | { readonly kind: "resource"; readonly uri: string }
  /** An address with places for the input: RFC 6570. */
  | { readonly kind: "resource-template"; readonly template: string }
  | { readonly kind: "prompt"; readonly name: string }
  /** Proposals for an argument of a prompt or a variable of a template. */
  | {
      readonly kind: "completion";
      readonly ref: JsonObject;
      /** The name of the prompt, or the template. */
      readonly on: string;
      readonly argument: string | undefined;
    };

/** The keys that say what is done; one of them, and no more, stands in a block. */
export const OPERATION_KEYS = ["tool_name", "resource", "resource_template", "prompt", "complete"] as const;

/** What the metadata says to do. Throws `invalid-argument` where it says nothing, or several things. */
export function readOperation(capability: SessionCapability, read: (key: string) => string | undefined): McpOperation {
  const id = JSON.stringify(capability.id);
  const complete = getOwn(capability.block, "complete") ?? readComplete(read);
  const said = OPERATION_KEYS.filter((key) => (key === "complete" ? complete !== undefined : (read(key) ?? "") !== ""));
  const [key, other] = said;
  if (key === undefined) {
    fail("invalid-argument", `Capability ${id} names no tool.`, {
      remedy: `Add :tool_name to its block, or :resource, :resource_template, :prompt or :complete.`,
    });
  }
  if (other !== undefined) {
    fail("invalid-argument", `Capability ${id} names both :${key} and :${other}.`, {
      remedy: "A capability does one thing: declare the other one as a capability of its own.",
    });
  }
  const value = read(key) ?? "";
  switch (key) {
    case "tool_name":
      return { kind: "tool", name: value };
    case "resource":
      return { kind: "resource", uri: value };
    case "resource_template":
      return { kind: "resource-template", template: value };
    case "prompt":
      return { kind: "prompt", name: value };
    case "complete":
      return readCompletion(complete as JsonValue, id);
  }
}

/** The same from flat metadata alone. */
function readComplete(read: (key: string) => string | undefined): JsonObject | undefined {
  const members = ["prompt", "resource_template", "argument"].flatMap((name) => {
    const value = read(`complete_${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

function readCompletion(value: JsonValue, id: string): McpOperation {
  const { prompt, resource_template: template, argument } = isJsonObject(value) ? value : {};
  const isText = (text: JsonValue | undefined): text is string => typeof text === "string" && text !== "";
  if (isText(prompt) === isText(template) || (argument !== undefined && !isText(argument))) {
    fail("invalid-argument", `:complete of ${id} does not say what is completed.`, {
      remedy: 'Write {:prompt "name"} or {:resource_template "file:///{path}"}, and perhaps :argument "name".',
    });
  }
  const on = isText(prompt) ? prompt : (template as string);
  const ref: JsonObject = isText(prompt) ? { type: "ref/prompt", name: on } : { type: "ref/resource", uri: on };
  return { kind: "completion", ref, on, argument };
}

/** What it is called: for people and traces. */
export function operationName(operation: McpOperation): string {
  switch (operation.kind) {
    case "tool":
    case "prompt":
      return operation.name;
    case "resource":
      return operation.uri;
    case "resource-template":
      return operation.template;
    case "completion":
      return operation.on;
  }
}

/** The parameters of a call, without those of the protocol. A promise only where something has to be loaded first. */
export function paramsOf(operation: McpOperation, call: SessionCall): JsonObject | Promise<JsonObject> {
  const input = readInput(call);
  switch (operation.kind) {
    case "tool":
      return { name: operation.name, arguments: input };
    case "resource":
      return { uri: operation.uri };
    case "resource-template":
      return expand(operation.template, input);
    case "prompt":
      return { name: operation.name, arguments: asTexts(input) };
    case "completion":
      return completionParams(operation, input);
  }
}

function readInput({ input, capability }: SessionCall): JsonObject {
  if (input === null) return {};
  if (isJsonObject(input)) return input;
  return fail(
    "invalid-argument",
    `${JSON.stringify(capability.id)} takes a map of arguments, and got another kind of value.`,
    { remedy: 'Call it with one map, such as {:name "value"}.' },
  );
}

async function expand(template: string, input: JsonObject): Promise<JsonObject> {
  const { parseTemplate } = await import("url-template");
  const variables: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(input)) {
    // Numbers beyond the safe ones, and what is nested, as the text that stands for them.
    variables[name] = isPlain(value) ? value : Array.isArray(value) ? value.map(asText) : asText(value);
  }
  return { uri: parseTemplate(template).expand(variables as Record<string, string>) };
}

const isPlain = (value: JsonValue): boolean =>
  typeof value === "string" || (typeof value === "number" && Number.isSafeInteger(value));

/** Arguments of prompts are texts in the protocol. */
function asTexts(input: JsonObject): JsonObject {
  const texts: JsonObject = Object.create(null) as JsonObject;
  for (const [name, value] of Object.entries(input)) if (value !== null) texts[name] = asText(value);
  return texts;
}

function asText(value: JsonValue): string {
  return typeof value === "string" ? value : stringifyJson(value);
}

function completionParams(operation: McpOperation & { kind: "completion" }, input: JsonObject): JsonObject {
  const name = operation.argument ?? getOwn(input, "argument");
  const context = getOwn(input, "context");
  if (typeof name !== "string" || name === "") {
    fail("invalid-argument", "A completion needs the name of the argument it is for.", {
      remedy: 'Give it with the call, {:argument "city" :value "Pa"}, or as :argument in :complete.',
    });
  }
  const value = getOwn(input, "value");
  return {
    ref: operation.ref,
    argument: { name, value: value === undefined || value === null ? "" : asText(value) },
    ...(isJsonObject(context) && { context: { arguments: asTexts(context) } }),
  };
}
