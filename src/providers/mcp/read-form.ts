import {
  getOwn,
  isJsonObject,
  oneLine,
  type FormChoice,
  type FormField,
  type JsonObject,
  type JsonValue,
} from "../../kernel/index.ts";

const MOST_FIELDS = 100;
const MOST_CHOICES = 1000;
const FORMATS = ["email", "uri", "date", "date-time"] as const;

/**
 * The fields of a form as a server asks for them: a flat JSON schema of texts, numbers, booleans and choices. A text
 * says what breaks the protocol about it.
 */
export function readForm(schema: JsonValue | undefined): readonly FormField[] | string {
  const properties = isJsonObject(schema) ? schema["properties"] : undefined;
  if (!isJsonObject(schema) || !isJsonObject(properties)) return "the form has no fields";
  const names = Object.keys(properties);
  if (names.length > MOST_FIELDS) return `the form has more than ${MOST_FIELDS} fields`;
  const required = schema["required"];
  const fields: FormField[] = [];
  for (const name of names) {
    const needed = Array.isArray(required) && required.includes(name);
    const field = readField(name, getOwn(properties, name), needed);
    if (typeof field === "string") return `the field ${JSON.stringify(oneLine(name, 60))} ${field}`;
    fields.push(field);
  }
  return fields;
}

function readField(name: string, schema: JsonValue | undefined, required: boolean): FormField | string {
  if (!isJsonObject(schema)) return "is not described";
  const title = text(schema, "title");
  const description = text(schema, "description");
  const common = {
    name,
    label: oneLine(title ?? name, 200) || "(unnamed)",
    ...(description !== undefined && { description: oneLine(description, 1000) }),
    required,
    ...(schema["default"] !== undefined && schema["default"] !== null && { default: schema["default"] }),
  };
  const choices = readChoices(schema);
  if (typeof choices === "string") return choices;
  if (choices !== undefined) return { ...common, type: "choice", choices };
  switch (schema["type"]) {
    case "string": {
      const format = FORMATS.find((known) => known === schema["format"]);
      return { ...common, type: "text", ...limits(schema, "minLength", "maxLength"), ...(format && { format }) };
    }
    case "number":
    case "integer":
      return { ...common, type: schema["type"], ...limits(schema, "minimum", "maximum") };
    case "boolean":
      return { ...common, type: "boolean" };
    case "array": {
      const { items } = schema;
      const several = isJsonObject(items) ? readChoices(items) : undefined;
      if (typeof several === "string") return several;
      if (several === undefined) return "is a list of anything, which no form has";
      return { ...common, type: "choices", choices: several, ...limits(schema, "minItems", "maxItems") };
    }
    default:
      return "is of a type that no form has";
  }
}

/** What may be chosen, in each of the ways in which it is written; undefined where nothing is. */
function readChoices(schema: JsonObject): FormChoice[] | string | undefined {
  const plain = schema["enum"];
  const titled = schema["oneOf"] ?? schema["anyOf"];
  const names = schema["enumNames"];
  const list = Array.isArray(plain) ? plain : Array.isArray(titled) ? titled : undefined;
  if (list === undefined) return undefined;
  if (list.length === 0 || list.length > MOST_CHOICES) return `has ${list.length} choices`;
  const choices: FormChoice[] = [];
  for (const [index, item] of list.entries()) {
    const value = isJsonObject(item) ? item["const"] : item;
    if (typeof value !== "string") return "has a choice that is no text";
    const label = isJsonObject(item) ? item["title"] : Array.isArray(names) ? names[index] : undefined;
    choices.push({ value, label: oneLine(typeof label === "string" ? label : value, 200) });
  }
  return choices;
}

function text(schema: JsonObject, key: string): string | undefined {
  const value = getOwn(schema, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function limits(schema: JsonObject, least: string, most: string): Pick<FormField, "least" | "most"> {
  const [low, high] = [getOwn(schema, least), getOwn(schema, most)];
  return {
    ...(typeof low === "number" && { least: low }),
    ...(typeof high === "number" && { most: high }),
  };
}
