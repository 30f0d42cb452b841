import type { Manifest } from "../../capability/manifest.ts";
import { createTrustStore, loadConfig } from "../../config/index.ts";
import { CcosError, didYouMean, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { printType, typeToJsonSchema, type Type } from "../../rtfs/index.ts";
import { EXIT, type Command } from "../command-context.ts";
import { environmentOptions, withEnvironment } from "../open-environment.ts";
import { settingsOf } from "../settings-of.ts";
import { providerOf } from "./list.ts";

export const describeCommand: Command<{ readonly id: string }> = ({ id }, context) =>
  withEnvironment(context, async (env) => {
    const manifest = env.capabilities.get(id);
    if (manifest === undefined) {
      throw new CcosError("not-found", `There is no capability ${JSON.stringify(id)}.`, {
        remedy: didYouMean(id, env.capabilities.list().map((known) => known.id)) || "ccos list shows those there are.",
      });
    }
    const { config, cwd, env: variables } = environmentOptions(context);
    const loaded = await loadConfig({ config, cwd: cwd ?? context.cwd, env: variables ?? {}, trust: createTrustStore(context) });
    const description = describe(manifest, settingsOf(manifest, loaded.config).explained);
    if (context.options.json === true) context.output.data(description);
    else for (const line of lines(description)) context.output.text(context.output.styleValue(line.style, line.text));
    return EXIT.done;
  });

function describe(manifest: Manifest, policy: JsonObject): JsonObject {
  const { id, name, description, version, language, permissions, effects, metadata, origin, extra } = manifest;
  return {
    id,
    name,
    description,
    version,
    language,
    provider: providerOf(manifest) ?? null,
    execution: manifest.execution.kind,
    requiresSession: manifest.execution.kind === "provider" ? manifest.execution.block.requiresSession : null,
    permissions: [...permissions],
    effects: [...effects],
    idempotent: manifest.idempotent ?? null,
    inputSchema: schema(manifest.inputSchema),
    outputSchema: schema(manifest.outputSchema),
    metadata,
    flatMetadata: { ...manifest.flatMetadata },
    policy,
    file: origin.file ?? null,
    line: origin.place?.line ?? null,
    trusted: origin.trusted,
    extra: { ...extra },
  };

  function schema(type: Type | undefined): JsonValue {
    return type === undefined ? null : { rtfs: printType(type), jsonSchema: typeToJsonSchema(type) };
  }
}

interface Line {
  readonly text: string;
  readonly style: "bold" | [];
}

function lines(d: JsonObject): Line[] {
  const out: Line[] = [];
  const heading = (text: string): void => void out.push({ text, style: "bold" });
  const row = (name: string, value: JsonValue | undefined): void => {
    if (value !== undefined && value !== null && value !== "") out.push({ text: `  ${name.padEnd(14)} ${asText(value)}`, style: [] });
  };
  heading(String(d["id"]));
  row("description", d["description"] as JsonValue);
  row("provider", d["provider"] as JsonValue);
  row("session", d["requiresSession"] as JsonValue);
  row("effects", (d["effects"] as string[]).join(" "));
  row("permissions", (d["permissions"] as string[]).join(" "));
  row("idempotent", d["idempotent"] as JsonValue);
  row("file", d["file"] === null ? null : `${String(d["file"])}${d["line"] === null ? "" : `:${String(d["line"])}`}`);
  if (d["file"] !== null && d["trusted"] === false) row("trusted", "no: it was only found in the working directory");
  for (const [title, key] of [["input", "inputSchema"], ["output", "outputSchema"]] as const) {
    const schema = d[key];
    if (isJsonObject(schema)) row(title, schema["rtfs"] as JsonValue);
  }
  if (Object.keys(d["flatMetadata"] as JsonObject).length > 0) heading("metadata");
  for (const [key, value] of Object.entries(d["flatMetadata"] as JsonObject)) row(key, value);
  if (d["provider"] !== null) {
    heading("policy");
    for (const [key, { value, source }] of leaves(d["policy"] as JsonObject)) out.push({ text: `  ${key.padEnd(34)} ${asText(value)}  (${source})`, style: [] });
  }
  return out;
}

function leaves(explained: JsonObject, path = ""): [string, { value: JsonValue; source: string }][] {
  return Object.entries(explained).flatMap(([key, entry]) => {
    if (!isJsonObject(entry)) return [];
    const at = path === "" ? key : `${path}.${key}`;
    // A setting is told from a group of settings by its source, which is a text and never a setting's group.
    if (typeof entry["source"] === "string" && "value" in entry) return [[at, { value: entry["value"] as JsonValue, source: entry["source"] }]];
    return leaves(entry, at);
  });
}

function asText(value: JsonValue): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}
