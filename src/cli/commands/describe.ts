import type { Manifest } from "../../capability/manifest.ts";
import type { CCOSEnvironment } from "../../environment.ts";
import { CcosError, didYouMean, stringifyJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { printType, typeToJsonSchema, type Type } from "../../rtfs/index.ts";
import { EXIT, type Command } from "../command-context.ts";
import { withEnvironment } from "../open-environment.ts";
import { secretsInMetadata } from "../secrets-in-metadata.ts";
import { providerOf } from "./list.ts";

export const describeCommand: Command<{ readonly id: string }> = ({ id }, context) =>
  withEnvironment(context, async (env) => {
    const manifest = env.capabilities.get(id);
    if (manifest === undefined) {
      throw new CcosError("not-found", `There is no capability ${JSON.stringify(id)}.`, {
        remedy:
          didYouMean(
            id,
            env.capabilities.list().map((known) => known.id),
          ) || "ccos list shows those there are.",
      });
    }
    // A token that somebody wrote into the file itself is no less a secret.
    for (const secret of secretsInMetadata(manifest.metadata)) env.redactor.add(secret);
    const description = describe(manifest, env.capabilities.settings(id) ?? {});
    if (context.options.json === true) context.output.data(description);
    else for (const line of lines(description)) context.output.text(context.output.styleValue(line.style, line.text));
    return EXIT.done;
  });

type Explained = NonNullable<ReturnType<CCOSEnvironment["capabilities"]["settings"]>>;
type Description = ReturnType<typeof describe>;

function describe(manifest: Manifest, policy: Explained) {
  const { id, name, description, version, language, permissions, effects, execution, metadata, origin, extra } =
    manifest;
  return {
    id,
    name,
    description,
    version,
    language,
    provider: providerOf(manifest) ?? null,
    execution: execution.kind,
    requiresSession: execution.kind === "provider" ? execution.block.requiresSession : null,
    permissions,
    effects,
    idempotent: manifest.idempotent ?? null,
    inputSchema: schema(manifest.inputSchema),
    outputSchema: schema(manifest.outputSchema),
    metadata,
    flatMetadata: manifest.flatMetadata,
    policy,
    file: origin.file ?? null,
    line: origin.place?.line ?? null,
    trusted: origin.trusted,
    extra,
  };
}

function schema(type: Type | undefined): { readonly rtfs: string; readonly jsonSchema: JsonObject } | null {
  return type === undefined ? null : { rtfs: printType(type), jsonSchema: typeToJsonSchema(type) };
}

interface Line {
  readonly text: string;
  readonly style: "bold" | [];
}

function lines(d: Description): Line[] {
  const out: Line[] = [];
  const heading = (text: string): void => void out.push({ text, style: "bold" });
  const row = (name: string, value: string | number | boolean | null | undefined): void => {
    if (value === undefined || value === null || value === "") return;
    // Descriptions of several lines stay in their column.
    out.push({ text: `  ${name.padEnd(14)} ${String(value).replaceAll("\n", `\n${" ".repeat(17)}`)}`, style: [] });
  };
  heading(d.id);
  row("description", d.description);
  row("provider", d.provider);
  row("session", d.requiresSession);
  row("effects", d.effects.join(" "));
  row("permissions", d.permissions.join(" "));
  row("idempotent", d.idempotent);
  row("file", d.file === null ? null : `${d.file}${d.line === null ? "" : `:${d.line}`}`);
  if (d.file !== null && !d.trusted) row("trusted", "no: it was only found in the working directory");
  row("input", d.inputSchema?.rtfs);
  row("output", d.outputSchema?.rtfs);
  const metadata = Object.entries(d.flatMetadata);
  if (metadata.length > 0) heading("metadata");
  for (const [key, value] of metadata) row(key, value);
  if (d.provider === null) return out;
  heading("policy");
  for (const [key, { value, source }] of leaves(d.policy)) {
    out.push({
      text: `  ${key.padEnd(34)} ${typeof value === "string" ? value : stringifyJson(value)}  (${source})`,
      style: [],
    });
  }
  return out;
}

function leaves(explained: Explained): [string, { value: JsonValue; source: string }][] {
  return Object.entries(explained).flatMap(([name, entry]): ReturnType<typeof leaves> => {
    // A setting is told from a block by its source, which is a text and never a setting of its own.
    if (typeof entry.source === "string") return [[name, entry as { value: JsonValue; source: string }]];
    return Object.entries(entry as Readonly<Record<string, { value: JsonValue; source: string }>>).map(
      ([key, setting]) => [`${name}.${key}`, setting],
    );
  });
}
