import { CcosError, didYouMean, getOwn, isCcosError, setOwn, type JsonObject } from "../kernel/index.ts";
import { formText, isAny, isKeywordName, optionalType, parseType, type Form, type Type } from "../rtfs/index.ts";
import { fileError, type Declaration } from "./capability-forms.ts";
import { normaliseEffects } from "./effects.ts";
import { FieldReader, type ManifestContext, type ReadWarning } from "./field-reader.ts";
import { createFlatMetadata, flattenMetadata } from "./flatten-metadata.ts";
import type { Execution, Manifest } from "./manifest.ts";
import { chooseProvider, missingBlockKeys, unknownBlockKeys, withAliases } from "./provider-block.ts";
import { METADATA_FIELDS, providerOfOldKey, readMetadata, readProvider } from "./read-metadata.ts";
import { compileImplementation } from "./run-implementation.ts";

export interface ManifestReading {
  /** Undefined where there are errors. */
  readonly manifest: Manifest | undefined;
  readonly errors: readonly CcosError[];
  readonly warnings: readonly ReadWarning[];
}

type FlatMetadata = Record<string, string>;

const LONGEST_ID = 500;
const READ_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "id",
  "name",
  "description",
  "version",
  "language",
  "permissions",
  "effects",
  "input-schema",
  "output-schema",
  "implementation",
  ...METADATA_FIELDS,
]);

/** The manifest that a declaration describes, or everything that is wrong with it. */
export function readManifest(declaration: Declaration, context: ManifestContext): ManifestReading {
  const reader = new FieldReader(declaration, context);
  const id = readId(reader);
  const implementation = readImplementation(reader);
  const metadata = readMetadata(reader);
  const named = readProvider(reader, metadata);
  const permissions = readLabels(reader, "permissions");
  const effects = normaliseEffects(readLabels(reader, "effects"));
  const inputSchema = readSchema(reader, "input-schema");
  const outputSchema = readSchema(reader, "output-schema");
  const description = reader.text("description");
  if (description === undefined && reader.field("description") === undefined) {
    reader.warn("missing-description", reader.form, `The capability ${JSON.stringify(id ?? "")} has no :description.`);
  }
  const { execution, flatMetadata } = readExecution(reader, metadata, named, implementation);
  checkTimeout(reader, flatMetadata["timeout_ms"]);
  const manifest: Manifest = {
    id: id ?? "",
    name: reader.text("name") ?? id ?? "",
    description: description ?? "",
    version: reader.text("version") ?? "1.0.0",
    language: readLanguage(reader),
    permissions,
    effects: effects.length > 0 ? effects : defaultLabels(flatMetadata, execution),
    inputSchema,
    outputSchema,
    metadata,
    flatMetadata,
    execution,
    idempotent: booleanOf(flatMetadata["idempotent"]),
    origin: { file: context.file, place: reader.form.source.place(reader.form.start), trusted: context.trusted },
    extra: readExtra(reader),
  };
  const failed = reader.errors.length > 0;
  // What is not loaded is not called either.
  const warnings = failed ? reader.warnings.filter(({ code }) => code !== "no-execution") : reader.warnings;
  return { manifest: failed ? undefined : manifest, errors: reader.errors, warnings };
}

function readId(reader: FieldReader): string | undefined {
  const form = reader.field("id")?.form;
  if (form === undefined) {
    reader.error(reader.form, "A capability without an id.", 'Give it one: :id "my.capability".');
    return undefined;
  }
  if (form.kind !== "string") {
    reader.error(form, "The id of a capability is a string.");
    return undefined;
  }
  const id = form.value;
  // oxlint-disable-next-line no-control-regex
  if (id.trim() === "" || id.length > LONGEST_ID || /[\u0000-\u001f\u007f-\u009f]/.test(id)) {
    reader.error(form, `An id has 1 to ${LONGEST_ID} characters, none of them a control character.`);
    return undefined;
  }
  if (id.startsWith("ccos.")) {
    const message = `The id ${JSON.stringify(id)} is reserved: ids that start with "ccos." belong to the runtime.`;
    reader.error(form, message, "Choose another prefix.");
    return undefined;
  }
  return id;
}

function readLanguage(reader: FieldReader): string {
  const form = reader.field("language")?.form;
  if (form === undefined || form.kind === "nil") return "rtfs20";
  const text = form.kind === "string" ? form.value : form.kind === "keyword" || form.kind === "symbol" ? form.name : "";
  if (/^[A-Za-z0-9._-]{1,100}$/.test(text)) return text;
  reader.error(form, "The value of :language is a name of letters, digits, '.', '-' and '_'.");
  return "rtfs20";
}

function readImplementation(reader: FieldReader): Form | undefined {
  const form = reader.field("implementation")?.form;
  if (form === undefined || form.kind === "nil") return undefined;
  try {
    // Only analysed, so that a mistake shows when the file is loaded and not at the first call.
    compileImplementation(form);
  } catch (error) {
    reader.errors.push(isCcosError(error) ? error : fileError(form, String(error)));
  }
  return form;
}

function readLabels(reader: FieldReader, name: string): string[] {
  const field = reader.field(name);
  if (field === undefined || field.form.kind === "nil") return [];
  const labels: string[] = [];
  for (const item of field.form.kind === "vector" ? field.form.items : [field.form]) {
    if (item.kind === "string") labels.push(item.value);
    else if (item.kind === "keyword") labels.push(`:${item.name}`);
    else if (item.kind === "symbol") labels.push(item.name);
    else reader.error(item, `:${field.key} holds keywords or strings.`);
  }
  return labels;
}

function readSchema(reader: FieldReader, name: string): Type | undefined {
  const field = reader.field(name);
  if (field === undefined || field.form.kind === "nil") return undefined;
  const { type, problems } = parseType(field.form);
  for (const { severity, message, place } of problems) {
    const text = `:${field.key}: ${message}`;
    if (severity === "warning") reader.warnings.push({ code: "unknown-type", message: text, place });
    else reader.errors.push(new CcosError("invalid-argument", text, { place }));
  }
  if (isAny(type)) return undefined;
  return field.optional ? optionalType(type) : type;
}

function checkTimeout(reader: FieldReader, text: string | undefined): void {
  if (text === undefined || Number(text) > 0) return;
  const form = reader.field("metadata")?.form ?? reader.form;
  reader.error(
    form,
    `The metadata timeout_ms is ${JSON.stringify(text.slice(0, 60))}.`,
    "Write a number of milliseconds above 0.",
  );
}

function readFlat(reader: FieldReader, metadata: JsonObject): FlatMetadata {
  try {
    return flattenMetadata(metadata);
  } catch (error) {
    reader.error(reader.field("metadata")?.form ?? reader.form, isCcosError(error) ? error.message : String(error));
    return createFlatMetadata();
  }
}

function readExecution(
  reader: FieldReader,
  metadata: JsonObject,
  named: string | undefined,
  implementation: Form | undefined,
): { execution: Execution; flatMetadata: Readonly<FlatMetadata> } {
  const { providers } = reader.context;
  const flat = readFlat(reader, metadata);
  const at = reader.field("metadata")?.form ?? reader.field("provider")?.form ?? reader.form;
  const question = { metadata, flatMetadata: flat, named, hasImplementation: implementation !== undefined };
  const choice = chooseProvider(question, providers);
  if ("error" in choice) {
    reader.error(at, choice.error, choice.remedy);
    return { execution: { kind: "none" }, flatMetadata: flat };
  }
  for (const message of choice.warnings) reader.warn("provider", at, message);
  const { block } = choice;
  if (block === undefined) {
    if (implementation !== undefined)
      return { execution: { kind: "implementation", form: implementation }, flatMetadata: flat };
    reader.warn(
      "no-execution",
      reader.form,
      "Neither code nor a registered provider executes this capability: calling it gives nil.",
    );
    return { execution: { kind: "none" }, flatMetadata: flat };
  }
  for (const { key, hint } of unknownBlockKeys(metadata, block.provider, providers)) {
    reader.warn(
      "unknown-key",
      at,
      `The provider "${block.provider}" knows no key :${key.slice(0, 80)}.${hint && ` ${hint}`}`,
    );
  }
  const flatMetadata = withAliases(flat, block.provider, providers);
  for (const keys of missingBlockKeys(flatMetadata, block.provider, providers)) {
    const any = keys.map((key) => `:${key}`).join(" or ");
    reader.warn(
      "missing-key",
      at,
      `The provider block :${block.provider} has no ${any}, and without it no call can be made.`,
    );
  }
  // A block that is only named stays visible as one, so that the manifest says the same when written and read.
  if (getOwn(metadata, block.provider) === undefined && named === block.provider) metadata[block.provider] = {};
  return { execution: { kind: "provider", block }, flatMetadata };
}

function readExtra(reader: FieldReader): Readonly<Record<string, string>> {
  const extra: Record<string, string> = {};
  for (const { key, keyForm, form } of reader.fields.values()) {
    if (READ_FIELDS.has(key) || READ_FIELDS.has(key.replaceAll("_", "-")) || providerOfOldKey(key, form) !== undefined)
      continue;
    if (!isKeywordName(key)) {
      reader.warn("ignored", keyForm, `The key ${JSON.stringify(key.slice(0, 80))} is left out.`);
      continue;
    }
    setOwn(extra, key, formText(form));
    const hint = didYouMean(key, READ_FIELDS);
    if (hint !== "") reader.warn("unknown-key", keyForm, `A capability has no key :${key}. ${hint}`);
  }
  return extra;
}

function booleanOf(text: string | undefined): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

function defaultLabels(flat: Readonly<FlatMetadata>, execution: Execution): string[] {
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
