import { CcosError, didYouMean, getOwn, isCcosError, isJsonObject, setOwn, stringifyJson, type ErrorPlace, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { formText, isAny, isKeywordName, optionalType, parseType, type Form, type Type, type Value } from "../rtfs/index.ts";
import { fileError, type Declaration, type Field } from "./capability-forms.ts";
import { isPlainData, jsonOfValue, plainValue } from "./data-of-form.ts";
import { normaliseEffects } from "./effects.ts";
import { flattenMetadata } from "./flatten-metadata.ts";
import type { Execution, Manifest } from "./manifest.ts";
import { compileImplementation } from "./run-implementation.ts";
import { chooseProvider, unknownBlockKeys, withAliases, type ProviderKnowledge } from "./provider-block.ts";

export interface ReadWarning {
  readonly code: "missing-description" | "no-execution" | "unknown-type" | "provider" | "unknown-key" | "ignored";
  readonly message: string;
  readonly place: ErrorPlace | undefined;
}

export interface ManifestReading {
  /** Undefined where there are errors. */
  readonly manifest: Manifest | undefined;
  readonly errors: readonly CcosError[];
  readonly warnings: readonly ReadWarning[];
}

export interface ManifestContext {
  readonly file: string | undefined;
  readonly trusted: boolean;
  readonly providers: ProviderKnowledge;
  /** Evaluates a form purely and within small limits. Only metadata that is no plain data needs it. */
  readonly evaluate: (form: Form) => Value;
}

/** The manifest that a declaration describes, or everything that is wrong with it. */
export function readManifest(declaration: Declaration, context: ManifestContext): ManifestReading {
  return new ManifestReader(declaration, context).read();
}

const LONGEST_ID = 500;
const LONGEST_TEXT = 100_000;
const LOCAL_PROVIDERS: ReadonlySet<string> = new Set(["rtfs", "local", "native"]);
const FIELDS_OF_OLD_FILES: ReadonlyMap<string, string> = new Map([
  ["source-url", "discovery_source_url"],
  ["discovery-method", "discovery_method"],
  ["created-at", "discovery_created_at"],
  ["capability-type", "discovery_capability_type"],
]);
const SANDBOX_FIELDS = ["filesystem", "resources", "runtime"];
const READ_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "id",
  "name",
  "description",
  "version",
  "language",
  "provider",
  "permissions",
  "effects",
  "input-schema",
  "output-schema",
  "metadata",
  "implementation",
  ...SANDBOX_FIELDS,
  ...FIELDS_OF_OLD_FILES.keys(),
]);
const OLD_METADATA = /^(.+)[_-]metadata$/;

class ManifestReader {
  readonly #form: Form;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #context: ManifestContext;
  readonly #errors: CcosError[] = [];
  readonly #warnings: ReadWarning[] = [];

  constructor(declaration: Declaration, context: ManifestContext) {
    this.#form = declaration.form;
    this.#fields = declaration.fields;
    this.#context = context;
  }

  read(): ManifestReading {
    const id = this.#id();
    const implementation = this.#implementation();
    const metadata = this.#metadata();
    const named = this.#provider(metadata);
    const permissions = this.#labels("permissions");
    const labels = normaliseEffects(this.#labels("effects"));
    const inputSchema = this.#schema("input-schema");
    const outputSchema = this.#schema("output-schema");
    const description = this.#text("description");
    if (description === undefined && this.#field("description") === undefined) {
      this.#warn("missing-description", this.#form, `The capability ${JSON.stringify(id ?? "")} has no :description.`);
    }
    const flat = this.#flat(metadata);
    const { execution, flatMetadata } = this.#execution(metadata, flat, named, implementation);
    this.#checkTimeout(flatMetadata["timeout_ms"]);
    const manifest: Manifest = {
      id: id ?? "",
      name: this.#text("name") ?? id ?? "",
      description: description ?? "",
      version: this.#text("version") ?? "1.0.0",
      language: this.#language(),
      permissions,
      effects: labels.length > 0 ? labels : defaultLabels(flatMetadata, execution),
      inputSchema,
      outputSchema,
      metadata,
      flatMetadata,
      execution,
      idempotent: booleanOf(flatMetadata["idempotent"]),
      origin: {
        file: this.#context.file,
        place: this.#form.source.place(this.#form.start),
        trusted: this.#context.trusted,
      },
      extra: this.#extra(),
    };
    const failed = this.#errors.length > 0;
    return { manifest: failed ? undefined : manifest, errors: this.#errors, warnings: this.#warnings };
  }

  /** By its name with hyphens, however the file spells it. */
  #field(name: string): Field | undefined {
    return this.#fields.get(name) ?? this.#fields.get(name.replaceAll("-", "_"));
  }

  #error(form: Form, message: string, remedy?: string): void {
    this.#errors.push(fileError(form, message, { remedy }));
  }

  #warn(code: ReadWarning["code"], form: Form, message: string): void {
    this.#warnings.push({ code, message, place: form.source.place(form.start) });
  }

  #id(): string | undefined {
    const field = this.#field("id");
    if (field === undefined) {
      this.#error(this.#form, "A capability without an id.", 'Give it one: :id "my.capability".');
      return undefined;
    }
    const { form } = field;
    if (form.kind !== "string") {
      this.#error(form, "The id of a capability is a string.");
      return undefined;
    }
    // oxlint-disable-next-line no-control-regex
    if (form.value.trim() === "" || form.value.length > LONGEST_ID || /[\u0000-\u001f\u007f-\u009f]/.test(form.value)) {
      this.#error(form, `An id has 1 to ${LONGEST_ID} characters, none of them a control character.`);
      return undefined;
    }
    if (form.value.startsWith("ccos.")) {
      this.#error(form, `The id ${JSON.stringify(form.value)} is reserved: ids that start with "ccos." belong to the runtime.`, "Choose another prefix.");
      return undefined;
    }
    return form.value;
  }

  #text(name: string): string | undefined {
    const field = this.#field(name);
    if (field === undefined || field.form.kind === "nil") return undefined;
    const { form } = field;
    if (form.kind === "string" || form.kind === "text-literal") {
      if (form.value.length <= LONGEST_TEXT) return form.value;
      this.#error(form, `The value of :${field.key} is longer than ${LONGEST_TEXT} characters.`);
      return undefined;
    }
    this.#error(form, `The value of :${field.key} is a string.`);
    return undefined;
  }

  #language(): string {
    const form = this.#field("language")?.form;
    if (form === undefined || form.kind === "nil") return "rtfs20";
    const text = form.kind === "string" ? form.value : form.kind === "keyword" || form.kind === "symbol" ? form.name : "";
    if (/^[A-Za-z0-9._-]{1,100}$/.test(text)) return text;
    this.#error(form, "The value of :language is a name of letters, digits, '.', '-' and '_'.");
    return "rtfs20";
  }

  #implementation(): Form | undefined {
    const form = this.#field("implementation")?.form;
    if (form === undefined || form.kind === "nil") return undefined;
    try {
      // Only analysed, so that a mistake shows when the file is loaded and not at the first call.
      compileImplementation(form);
    } catch (error) {
      this.#errors.push(isCcosError(error) ? error : fileError(form, String(error)));
    }
    return form;
  }

  #labels(name: string): string[] {
    const field = this.#field(name);
    if (field === undefined || field.form.kind === "nil") return [];
    const { form } = field;
    const items = form.kind === "vector" ? form.items : [form];
    const labels: string[] = [];
    for (const item of items) {
      if (item.kind === "string") labels.push(item.value);
      else if (item.kind === "keyword") labels.push(`:${item.name}`);
      else if (item.kind === "symbol") labels.push(item.name);
      else this.#error(item, `:${field.key} holds keywords or strings.`);
    }
    return labels;
  }

  #schema(name: string): Type | undefined {
    const field = this.#field(name);
    if (field === undefined || field.form.kind === "nil") return undefined;
    const { type, problems } = parseType(field.form);
    for (const { severity, message, place } of problems) {
      if (severity === "warning") this.#warnings.push({ code: "unknown-type", message: `:${field.key}: ${message}`, place });
      else this.#errors.push(new CcosError("invalid-argument", `:${field.key}: ${message}`, { place }));
    }
    if (isAny(type)) return undefined;
    return field.optional ? optionalType(type) : type;
  }

  /** As JSON, without evaluating what stands for itself. */
  #data(form: Form, what: string): JsonValue | undefined {
    let value: Value;
    try {
      value = isPlainData(form) ? plainValue(form) : this.#context.evaluate(form);
    } catch (error) {
      const why = isCcosError(error) ? error.message : String(error);
      this.#error(form, `${what} could not be evaluated: ${why}`, "Metadata is data; it may compute, but it calls nothing.");
      return undefined;
    }
    return jsonOfValue(value, (dropped) => this.#warn("ignored", form, `${what} holds ${dropped}, which is left out.`));
  }

  /** `:metadata` together with what older files keep beside it. */
  #metadata(): JsonObject {
    const metadata: JsonObject = {};
    const field = this.#field("metadata");
    if (field !== undefined && field.form.kind !== "nil") {
      const data = this.#data(field.form, ":metadata");
      if (isJsonObject(data)) for (const [key, value] of Object.entries(data)) setOwn(metadata, key, value);
      else if (data !== undefined) this.#error(field.form, "The value of :metadata is a map.");
    }
    for (const { key, form } of this.#fields.values()) {
      const provider = READ_FIELDS.has(hyphenated(key)) ? undefined : OLD_METADATA.exec(key)?.[1];
      if (provider === undefined || form.kind !== "map") continue;
      const data = this.#data(form, `:${key}`);
      if (isJsonObject(data)) addBlock(metadata, provider, data);
    }
    for (const [name, flatKey] of FIELDS_OF_OLD_FILES) {
      const text = this.#text(name);
      if (text !== undefined && getOwn(metadata, flatKey) === undefined) metadata[flatKey] = text;
    }
    for (const name of SANDBOX_FIELDS) {
      const form = this.#field(name)?.form;
      if (form === undefined || form.kind === "nil") continue;
      if (!isPlainData(form)) this.#error(form, `The value of :${name} is data.`);
      else metadata[`sandbox_${name}`] = stringifyJson(jsonOfValue(plainValue(form)) ?? null);
    }
    return metadata;
  }

  /** The provider that the key `:provider` names; its settings join the metadata as a block of that name. */
  #provider(metadata: JsonObject): string | undefined {
    const form = this.#field("provider")?.form;
    if (form === undefined || form.kind === "nil") return undefined;
    if (form.kind !== "map") return this.#providerNamed(form);
    if (!isPlainData(form)) {
      this.#error(form, "The value of :provider is data.");
      return undefined;
    }
    const data = jsonOfValue(plainValue(form)) as JsonObject;
    const type = getOwn(data, "type");
    if (typeof type !== "string" || type === "") {
      this.#error(form, "The provider has no :type.", 'Write :provider {:type "name" …}.');
      return undefined;
    }
    if (LOCAL_PROVIDERS.has(type.toLowerCase())) return undefined;
    const name = this.#knownName(type);
    addBlock(metadata, name, Object.fromEntries(Object.entries(data).filter(([key]) => key !== "type")));
    return name;
  }

  #providerNamed(form: Form): string | undefined {
    const name = form.kind === "string" ? form.value : form.kind === "keyword" || form.kind === "symbol" ? form.name : "";
    if (name === "") {
      this.#error(form, "The value of :provider is a map, a string or a keyword.");
      return undefined;
    }
    return LOCAL_PROVIDERS.has(name.toLowerCase()) ? undefined : this.#knownName(name);
  }

  /** Old files write a provider's name in capitals. */
  #knownName(name: string): string {
    return this.#context.providers.providers().find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
  }

  #checkTimeout(text: string | undefined): void {
    if (text === undefined || Number(text) > 0) return;
    const form = this.#field("metadata")?.form ?? this.#form;
    this.#error(form, `The metadata timeout_ms is ${JSON.stringify(text.slice(0, 60))}.`, "Write a number of milliseconds above 0.");
  }

  #flat(metadata: JsonObject): Record<string, string> {
    try {
      return flattenMetadata(metadata);
    } catch (error) {
      this.#error(this.#field("metadata")?.form ?? this.#form, isCcosError(error) ? error.message : String(error));
      return Object.create(null) as Record<string, string>;
    }
  }

  #execution(
    metadata: JsonObject,
    flat: Record<string, string>,
    named: string | undefined,
    implementation: Form | undefined,
  ): { execution: Execution; flatMetadata: Record<string, string> } {
    const { providers } = this.#context;
    const at = this.#field("metadata")?.form ?? this.#field("provider")?.form ?? this.#form;
    const question = { metadata, flatMetadata: flat, named, hasImplementation: implementation !== undefined };
    const choice = chooseProvider(question, providers);
    if ("error" in choice) {
      this.#error(at, choice.error, choice.remedy);
      return { execution: { kind: "none" }, flatMetadata: flat };
    }
    for (const message of choice.warnings) this.#warn("provider", at, message);
    const { block } = choice;
    if (block !== undefined) {
      for (const { key, hint } of unknownBlockKeys(metadata, block.provider, providers)) {
        this.#warn("unknown-key", at, `The provider "${block.provider}" knows no key :${key.slice(0, 80)}.${hint && ` ${hint}`}`);
      }
      // A block that is only named stays visible as one, so that the manifest says the same when written and read.
      if (getOwn(metadata, block.provider) === undefined && named === block.provider) metadata[block.provider] = {};
      return { execution: { kind: "provider", block }, flatMetadata: withAliases(flat, block.provider, providers) };
    }
    if (implementation !== undefined) return { execution: { kind: "implementation", form: implementation }, flatMetadata: flat };
    this.#warn("no-execution", this.#form, "Neither code nor a registered provider executes this capability: calling it gives nil.");
    return { execution: { kind: "none" }, flatMetadata: flat };
  }

  #extra(): Readonly<Record<string, string>> {
    const extra: Record<string, string> = {};
    for (const { key, keyForm, form } of this.#fields.values()) {
      if (READ_FIELDS.has(hyphenated(key)) || (OLD_METADATA.test(key) && form.kind === "map")) continue;
      if (isKeywordName(key)) setOwn(extra, key, formText(form));
      else this.#warn("ignored", keyForm, `The key ${JSON.stringify(key.slice(0, 80))} is left out.`);
    }
    for (const key of Object.keys(extra)) {
      const hint = didYouMean(key, READ_FIELDS);
      const field = this.#fields.get(key);
      if (hint !== "" && field !== undefined) this.#warn("unknown-key", field.keyForm, `A capability has no key :${key}. ${hint}`);
    }
    return extra;
  }
}

function hyphenated(key: string): string {
  return key.replaceAll("_", "-");
}

/** A block from an older place; what the metadata says itself comes first. */
function addBlock(metadata: JsonObject, provider: string, block: JsonObject): void {
  const own = getOwn(metadata, provider);
  const merged: JsonObject = {};
  for (const [key, value] of Object.entries(block)) setOwn(merged, key, value);
  for (const [key, value] of Object.entries(isJsonObject(own) ? own : {})) setOwn(merged, key, value);
  setOwn(metadata, provider, merged);
}

function booleanOf(text: string | undefined): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

function defaultLabels(flat: Readonly<Record<string, string>>, execution: Execution): string[] {
  const written = flat["ccos_effects"];
  if (written !== undefined) {
    try {
      const labels: unknown = JSON.parse(written);
      if (Array.isArray(labels)) {
        const texts = normaliseEffects(labels.filter((label) => typeof label === "string"));
        if (texts.length > 0) return texts;
      }
    } catch {
      // Not JSON: as if it were not there.
    }
  }
  return execution.kind === "implementation" ? [":pure"] : [":network"];
}
