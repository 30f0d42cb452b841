import { createFileRegistry, createRegistry, type DescFile, type Registry } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";

import { oneLine } from "../../kernel/index.ts";
import { normaliseDescriptors, type MissingType } from "./normalise-descriptors.ts";

export interface BrokenFile {
  readonly file: string;
  readonly reason: string;
}

/** What can be used of a pile of file descriptions, and what cannot. */
export interface BuiltRegistry {
  readonly registry: Registry;
  /** Those that can be used, each after those it depends on. */
  readonly files: readonly DescFile[];
  readonly broken: readonly BrokenFile[];
}

/** A registry of every file that is sound; one that is not, and what depends on it, is left out and told of. */
export function buildRegistry(given: readonly FileDescriptorProto[]): BuiltRegistry {
  const { files, missing } = normaliseDescriptors(given);
  const lacking = new Map<string, MissingType[]>();
  for (const one of missing) lacking.set(one.neededBy, [...(lacking.get(one.neededBy) ?? []), one]);
  const built = new Map<string, DescFile>();
  const broken: BrokenFile[] = [];
  for (const file of files) {
    const reason = reasonAgainst(file, lacking.get(file.name), built);
    if (reason !== undefined) broken.push({ file: oneLine(file.name, 200), reason });
  }
  const sound = [...built.values()];
  return { registry: createRegistry(...sound), files: sound, broken };
}

function reasonAgainst(
  file: FileDescriptorProto,
  lacking: readonly MissingType[] | undefined,
  built: Map<string, DescFile>,
): string | undefined {
  if (lacking !== undefined) {
    const names = [...new Set(lacking.map(({ name }) => oneLine(name, 100)))];
    return `it needs ${names.slice(0, 5).join(", ")}${names.length > 5 ? " and more" : ""}, which nothing describes`;
  }
  const absent = file.dependency.find((name) => !built.has(name));
  if (absent !== undefined) return `it needs ${oneLine(absent, 200)}, which cannot be used`;
  try {
    const registry = createFileRegistry(file, (name) => built.get(name));
    const found = [...registry.files].find(({ proto }) => proto === file);
    if (found === undefined) return "it describes nothing";
    built.set(file.name, found);
    return undefined;
  } catch (error) {
    return oneLine(error instanceof Error ? error.message : String(error), 300);
  }
}
