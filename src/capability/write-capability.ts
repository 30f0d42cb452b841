import { CcosError, isJsonObject, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { Float, formText, isKeywordName, print, printType, read } from "../rtfs/index.ts";
import type { Manifest } from "./manifest.ts";

/** What `writeCapability` writes of a manifest; where it comes from is not part of a file. */
export type WritableManifest = Omit<Manifest, "origin" | "flatMetadata" | "idempotent">;

/**
 * A manifest as the text of a capability file: reading it gives an equal manifest.
 *
 * Whatever texts it holds, the result is one form: they are written as strings with every control
 * character escaped, so that nothing a server says of itself can become code or a comment.
 * Throws `invalid-argument` where an extra value is no form, or the capability is native.
 */
export function writeCapability(manifest: WritableManifest): string {
  const lines = [`(capability ${print(manifest.id)}`];
  const add = (key: string, text: string): void => void lines.push(`  :${key} ${text}`);
  add("name", print(manifest.name));
  add("description", print(manifest.description));
  add("version", print(manifest.version));
  add("language", print(manifest.language));
  if (manifest.permissions.length > 0) add("permissions", vector(manifest.permissions.map(label)));
  add("effects", vector(manifest.effects.map(label)));
  if (manifest.inputSchema !== undefined) add("input-schema", printType(manifest.inputSchema));
  if (manifest.outputSchema !== undefined) add("output-schema", printType(manifest.outputSchema));
  if (Object.keys(manifest.metadata).length > 0) add("metadata", writeMetadata(manifest.metadata));
  for (const [key, text] of Object.entries(manifest.extra)) add(key, oneForm(key, text));
  switch (manifest.execution.kind) {
    case "implementation":
      add("implementation", formText(manifest.execution.form));
      break;
    case "native":
      throw new CcosError(
        "invalid-argument",
        `The capability ${JSON.stringify(manifest.id)} is a function of the host and has no text.`,
      );
    default:
  }
  return `${lines.join("\n")})\n`;
}

/** As a keyword where it reads back as the same text, else as a string. */
function label(text: string): string {
  return text.startsWith(":") && isKeywordName(text.slice(1)) ? text : print(text);
}

function vector(items: readonly string[]): string {
  return `[${items.join(" ")}]`;
}

const METADATA_START = "  :metadata {".length;

/** One entry of the outer map a line, and one of each block; deeper data on one line. */
function writeMetadata(metadata: JsonObject): string {
  const blocks = Object.entries(metadata).map(([key, value]) => {
    const name = writeKey(key);
    if (!isJsonObject(value)) return `${name} ${writeData(value)}`;
    const entries = Object.entries(value).map(([inner, item]) => `${writeKey(inner)} ${writeData(item)}`);
    return `${name} {${entries.join(`\n${" ".repeat(METADATA_START + name.length + 2)}`)}}`;
  });
  return `{${blocks.join(`\n${" ".repeat(METADATA_START)}`)}}`;
}

function writeData(value: JsonValue): string {
  if (Array.isArray(value)) return vector(value.map(writeData));
  if (isJsonObject(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${writeKey(key)} ${writeData(item)}`)
      .join(" ")}}`;
  }
  if (typeof value === "string") return print(value);
  if (typeof value === "number" && !Number.isSafeInteger(value)) return print(new Float(value));
  return value === null ? "nil" : String(value);
}

function writeKey(key: string): string {
  return isKeywordName(key) ? `:${key}` : print(key);
}

/** Text kept from a file is written as it was, after making sure that it is exactly one form. */
function oneForm(key: string, text: string): string {
  const { forms, errors } = read(text);
  const [form] = forms;
  if (errors.length > 0 || form === undefined || forms.length > 1 || formText(form) !== text || !isKeywordName(key)) {
    throw new CcosError("invalid-argument", `The extra value of :${key.slice(0, 80)} is not exactly one form of RTFS.`);
  }
  return text;
}
