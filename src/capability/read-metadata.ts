import { getOwn, isJsonObject, setOwn, stringifyJson, type JsonObject } from "../kernel/index.ts";
import type { Form } from "../rtfs/index.ts";
import { isPlainData, jsonOfForm } from "./data-of-form.ts";
import type { FieldReader } from "./field-reader.ts";

const LOCAL_PROVIDERS: ReadonlySet<string> = new Set(["rtfs", "local", "native"]);
const FIELDS_OF_OLD_FILES: ReadonlyMap<string, string> = new Map([
  ["source-url", "discovery_source_url"],
  ["discovery-method", "discovery_method"],
  ["created-at", "discovery_created_at"],
  ["capability-type", "discovery_capability_type"],
]);
const SANDBOX_FIELDS = ["filesystem", "resources", "runtime"];

/** The keys, with hyphens, that end in the metadata. */
export const METADATA_FIELDS: readonly string[] = [
  "metadata",
  "provider",
  ...SANDBOX_FIELDS,
  ...FIELDS_OF_OLD_FILES.keys(),
];

const OLD_METADATA = /^(.+)[_-]metadata$/;

/** The provider whose metadata a key of the oldest files holds, such as `:NAME_metadata {…}`. */
export function providerOfOldKey(key: string, form: Form): string | undefined {
  return form.kind === "map" ? OLD_METADATA.exec(key)?.[1] : undefined;
}

/** `:metadata` together with what older files keep beside it. */
export function readMetadata(reader: FieldReader): JsonObject {
  let metadata: JsonObject = {};
  const field = reader.field("metadata");
  if (field !== undefined && field.form.kind !== "nil") {
    const data = reader.data(field.form, ":metadata");
    if (isJsonObject(data)) metadata = data;
    else if (data !== undefined) reader.error(field.form, "The value of :metadata is a map.");
  }
  for (const { key, form } of reader.fields.values()) {
    const provider = providerOfOldKey(key, form);
    if (provider === undefined) continue;
    const data = reader.data(form, `:${key}`);
    if (isJsonObject(data)) addBlock(metadata, provider, data);
  }
  renameBlocks(reader, metadata);
  for (const [name, flatKey] of FIELDS_OF_OLD_FILES) {
    const text = reader.text(name);
    if (text !== undefined && getOwn(metadata, flatKey) === undefined) metadata[flatKey] = text;
  }
  for (const name of SANDBOX_FIELDS) {
    const form = reader.field(name)?.form;
    if (form === undefined || form.kind === "nil") continue;
    if (!isPlainData(form)) reader.error(form, `The value of :${name} is data.`);
    else metadata[`sandbox_${name}`] = stringifyJson(jsonOfForm(form) ?? null);
  }
  return metadata;
}

/** The provider that the key `:provider` names; its settings join the metadata as a block of that name. */
export function readProvider(reader: FieldReader, metadata: JsonObject): string | undefined {
  const form = reader.field("provider")?.form;
  if (form === undefined || form.kind === "nil") return undefined;
  if (form.kind !== "map") return providerNamed(reader, form);
  if (!isPlainData(form)) {
    reader.error(form, "The value of :provider is data.");
    return undefined;
  }
  const data = jsonOfForm(form) as JsonObject;
  const type = getOwn(data, "type");
  if (typeof type !== "string" || type === "") {
    reader.error(form, "The provider has no :type.", 'Write :provider {:type "name" …}.');
    return undefined;
  }
  if (LOCAL_PROVIDERS.has(type.toLowerCase())) return undefined;
  const name = knownName(reader, type);
  addBlock(metadata, name, Object.fromEntries(Object.entries(data).filter(([key]) => key !== "type")));
  const seconds = getOwn(data, "timeout_seconds");
  if (typeof seconds === "number" && seconds > 0 && getOwn(metadata, "timeout_ms") === undefined)
    metadata["timeout_ms"] = seconds * 1000;
  return name;
}

function providerNamed(reader: FieldReader, form: Form): string | undefined {
  const name = form.kind === "string" ? form.value : form.kind === "keyword" || form.kind === "symbol" ? form.name : "";
  if (name === "") {
    reader.error(form, "The value of :provider is a map, a string or a keyword.");
    return undefined;
  }
  return LOCAL_PROVIDERS.has(name.toLowerCase()) ? undefined : knownName(reader, name);
}

/** Old files write a provider's name in capitals, or call it something else. */
function knownName(reader: FieldReader, name: string): string {
  const { providers } = reader.context;
  const lower = name.toLowerCase();
  const known = providers.providers();
  return (
    known.find((provider) => provider.toLowerCase() === lower) ??
    known.find((provider) => providers.manifestTraits(provider)?.olderNames?.provider?.includes(lower)) ??
    name
  );
}

/** A block under a name that its provider had once becomes the provider's own. */
function renameBlocks(reader: FieldReader, metadata: JsonObject): void {
  const { providers } = reader.context;
  for (const provider of providers.providers()) {
    for (const name of providers.manifestTraits(provider)?.olderNames?.block ?? []) {
      const block = getOwn(metadata, name);
      if (!isJsonObject(block)) continue;
      delete metadata[name];
      addBlock(metadata, provider, block);
    }
  }
}

/** A block from an older place; what the metadata says itself comes first. */
function addBlock(metadata: JsonObject, provider: string, block: JsonObject): void {
  const own = getOwn(metadata, provider);
  const merged: JsonObject = {};
  for (const [key, value] of Object.entries(block)) setOwn(merged, key, value);
  for (const [key, value] of Object.entries(isJsonObject(own) ? own : {})) setOwn(merged, key, value);
  setOwn(metadata, provider, merged);
}
