import { readFile, stat } from "node:fs/promises";

import { fromBinary, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, type FileDescriptorProto, type FileDescriptorSet } from "@bufbuild/protobuf/wkt";

import { CcosError, fail, oneLine, parseJson } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";
import { readProtoFiles, type ProtoFiles } from "./read-proto-files.ts";
import { buildRegistry, type BrokenFile } from "./registry.ts";
import { reflect } from "./reflection.ts";
import { Schema } from "./schema.ts";
import type { SchemaSource } from "./schema-source.ts";

type FileSource = Exclude<SchemaSource, { kind: "reflection" }>;

const MOST_SET_BYTES = 128 * 1024 * 1024;
/** Files whose contents are kept; what is asked for again after that is read again. */
const MOST_KEPT = 32;

interface Kept {
  readonly schema: Promise<Schema>;
  /** The files that it was made of, with what tells that they have changed. */
  stamps: readonly (readonly [path: string, stamp: string])[] | undefined;
}

/** Schemas made of files, each read once and again only after it has changed. */
export class FileSchemas {
  readonly #kept = new Map<string, Kept>();

  async of(source: FileSource): Promise<Schema> {
    const key = JSON.stringify(source);
    const known = this.#kept.get(key);
    if (known !== undefined && (known.stamps === undefined || (await areCurrent(known.stamps)))) return known.schema;
    this.#kept.delete(key);
    const loading = load(source);
    const kept: Kept = { schema: loading.then(({ schema }) => schema), stamps: undefined };
    // Whoever asks hears of it; who asked first does so below.
    kept.schema.catch(() => {});
    this.#kept.set(key, kept);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    try {
      const { paths } = await loading;
      kept.stamps = await Promise.all(paths.map(async (path) => [path, await stampOf(path)] as const));
    } catch (error) {
      // What was broken may be mended at any time.
      this.#kept.delete(key);
      throw error;
    }
    return kept.schema;
  }
}

async function areCurrent(stamps: readonly (readonly [string, string])[]): Promise<boolean> {
  const now = await Promise.all(stamps.map(async ([path, stamp]) => (await stampOf(path)) === stamp));
  return now.every(Boolean);
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? "" : `${found.mtimeMs} ${found.size}`;
}

async function load(source: FileSource): Promise<{ readonly schema: Schema; readonly paths: readonly string[] }> {
  if (source.kind === "descriptor-set") {
    const files = await readDescriptorSet(source.file);
    return { schema: schemaOf(files, source.file, []), paths: [source.file] };
  }
  const read = await readProtoFiles([source.file], { paths: source.paths });
  return { schema: schemaOf(read.descriptors, source.file, read.absent), paths: read.paths };
}

function schemaOf(files: readonly FileDescriptorProto[], path: string, absent: ProtoFiles["absent"]): Schema {
  const { registry, broken } = buildRegistry(files);
  const hasService = [...registry].some(({ kind }) => kind === "service");
  const [first] = broken;
  if (first !== undefined && !hasService) throw brokenFile(path, first, absent);
  return new Schema(registry, path);
}

/** Why a file describes nothing that can be called. */
export function brokenFile(path: string, { file, reason }: BrokenFile, absent: ProtoFiles["absent"]): CcosError {
  const [missing] = absent;
  return new CcosError("invalid-argument", `${path} cannot be used: in ${oneLine(file, 200)}, ${reason}.`, {
    remedy:
      missing === undefined
        ? "Correct the file."
        : `The import ${JSON.stringify(missing.name)} was not found: name the folder it is in with :proto_path.`,
  });
}

/** A descriptor set as compilers write it (`protoc --include_imports -o x.binpb`), in binary form or as JSON. */
export async function readDescriptorSet(path: string): Promise<FileDescriptorProto[]> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MOST_SET_BYTES)
      fail("invalid-argument", `${path} has ${size} bytes, more than the ${MOST_SET_BYTES} a descriptor set may have.`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof CcosError) throw error;
    throw new CcosError(
      "invalid-argument",
      `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown reason"}.`,
      {
        remedy: "Check :descriptor_set, which is relative to the file of the capability.",
        cause: error,
      },
    );
  }
  return decodeDescriptorSet(bytes, path);
}

export function decodeDescriptorSet(bytes: Buffer, path: string): FileDescriptorProto[] {
  let set: FileDescriptorSet;
  try {
    const isText = /^\s*\{/.test(bytes.subarray(0, 64).toString("latin1"));
    set = isText
      ? fromJson(FileDescriptorSetSchema, parseJson(bytes.toString("utf8")) as never, { ignoreUnknownFields: true })
      : fromBinary(FileDescriptorSetSchema, bytes);
  } catch (error) {
    throw new CcosError("invalid-argument", `${path} is no descriptor set.`, {
      remedy: "Make one with protoc --include_imports --descriptor_set_out=FILE, or with buf build -o FILE.",
      cause: error,
    });
  }
  if (set.file.length === 0 || set.file.some(({ name }) => name === "")) {
    fail("invalid-argument", `${path} is no descriptor set: it describes no file.`, {
      remedy: "Make one with protoc --include_imports --descriptor_set_out=FILE, or with buf build -o FILE.",
    });
  }
  return set.file;
}

/** What the server itself says of a service. */
export async function reflectSchema(connection: Connection, service: string, signal: AbortSignal): Promise<Schema> {
  const files = await reflect(connection, signal, (reflection) => reflection.describe([service]));
  return new Schema(buildRegistry(files).registry, "the server");
}
