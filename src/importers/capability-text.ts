import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/index.ts";
import {
  Float,
  formToValue,
  isKeywordName,
  keyword,
  print,
  printType,
  read,
  RtfsMap,
  Source,
  vector,
  type MapKey,
  type Type,
  type Value,
} from "../rtfs/index.ts";
import type { ToolDeclaration } from "./mcp-tool.ts";

/** What a module says of itself, before its capabilities. */
export interface ModuleHead {
  /** The symbol it is bound to. */
  readonly name: string;
  readonly server: string;
  readonly source: string;
  readonly createdAt: string;
}

// The only comment of a generated file. Text from outside stands in string literals and nowhere else.
const NOTE = ";; Written by an import from a server; importing again replaces this file.\n";
const WIDTH = 110;

/** A declaration as a capability file. Reading it back gives the same declaration. */
export function capabilityText(declaration: ToolDeclaration): string {
  const lines = fieldsOf(declaration)
    .filter(([key]) => key !== "id")
    .map(([key, value]) => field(key, value, 2));
  return `${NOTE}(capability ${print(declaration.id)}\n${lines.join("\n")})\n`;
}

/** Declarations as one module file. */
export function moduleText(head: ModuleHead, declarations: readonly ToolDeclaration[]): string {
  const config = RtfsMap.of([
    [keyword("name"), head.server],
    [keyword("endpoint"), head.source],
  ]);
  const capabilities = declarations.map((declaration) => {
    const fields = fieldsOf(declaration);
    const isSchema = ([key]: Field): boolean => key.endsWith("-schema");
    const own = [["type", "ccos.capability:v1"] satisfies Field, ...fields.filter((one) => !isSchema(one))];
    const capability = `:capability {${own.map((one) => field(...one, 18)).join("\n").trimStart()}}`;
    return [`    {${capability}`, ...fields.filter(isSchema).map((one) => field(...one, 5))].join("\n") + "}";
  });
  return (
    `${NOTE}(def ${head.name}\n  {` +
    [
      ':module-type "ccos.capabilities.mcp:v1"',
      field("server-config", config, 3),
      field("generated-at", head.createdAt, 3),
      `   :capabilities [\n${capabilities.join("\n")}]})\n`,
    ].join("\n")
  );
}

type Field = readonly [key: string, value: Value];

function fieldsOf(declaration: ToolDeclaration): Field[] {
  const { id, name, description, version, effects, inputSchema, outputSchema, metadata } = declaration;
  return [
    ["id", id],
    ["name", name],
    ["description", description],
    ["version", version],
    ["effects", vector(effects.map((label) => keyword(label.slice(1))))],
    ...(inputSchema === undefined ? [] : [["input-schema", typeAsValue(inputSchema)] satisfies Field]),
    ...(outputSchema === undefined ? [] : [["output-schema", typeAsValue(outputSchema)] satisfies Field]),
    ["metadata", valueOf(metadata)],
  ];
}

/** `:key value`, with the further lines of the value under its first. */
function field(key: string, value: Value, indent: number): string {
  const start = `${" ".repeat(indent)}:${key} `;
  const text = print(value, { pretty: true, width: WIDTH - start.length });
  return start + text.replaceAll("\n", `\n${" ".repeat(start.length)}`);
}

/** Types print on one line; as data they can be laid out like everything else. */
function typeAsValue(type: Type): Value {
  const { forms } = read(new Source(printType(type)));
  return forms[0] === undefined ? null : formToValue(forms[0]);
}

function valueOf(json: JsonValue): Value {
  if (Array.isArray(json)) return vector(json.map(valueOf));
  if (isJsonObject(json)) return mapOf(json);
  return typeof json === "number" && !Number.isInteger(json) ? new Float(json) : json;
}

function mapOf(json: JsonObject): RtfsMap {
  return RtfsMap.of(
    Object.entries(json).map(([key, value]): [MapKey, Value] => [isKeywordName(key) ? keyword(key) : key, valueOf(value)]),
  );
}
