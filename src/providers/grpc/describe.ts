import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";

import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";

import { fail, oneLine, type CcosError } from "../../kernel/index.ts";
import { connect, disconnect, type Connection } from "./connect.ts";
import type { DescribedMethod, Description, LocalDescription, ServerPlace } from "./description.ts";
import { decodeDescriptorSet, readDescriptorSet } from "./load-schema.ts";
import { classify } from "./map-error.ts";
import { MessageSchemas } from "./message-schema.ts";
import { DescriptorPruner } from "./prune-descriptors.ts";
import { readProtoFiles } from "./read-proto-files.ts";
import { reflect } from "./reflection.ts";
import { buildRegistry, type BrokenFile } from "./registry.ts";
import { readTarget, type GrpcSettings } from "./target.ts";
import { PROVIDER } from "./traits.ts";

const MOST_FILES = 20_000;

/** Asks a server what it offers, on a connection of its own that is closed again. */
export async function describeServer(place: ServerPlace): Promise<Description> {
  const target = targetOf(place);
  const timeoutMs = place.timeoutMs ?? 30_000;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = place.signal === undefined ? timeout : AbortSignal.any([place.signal, timeout]);
  let connection: Connection | undefined;
  try {
    const settings = target.settings as GrpcSettings;
    connection = await connect(settings, { metadata: settings.metadata, signal, lost: () => {} });
    const files = await reflect(connection, signal, async (reflection) => {
      const services = await reflection.services();
      return reflection.describe(services);
    });
    return describe(files, new Map(), new Map());
  } catch (error) {
    if (timeout.aborted && place.signal?.aborted !== true) {
      fail("deadline-exceeded", `${target.endpoint} did not say within ${timeoutMs} ms what it offers.`, {
        cause: error,
      });
    }
    throw classify(error, { phase: "open", sent: connection !== undefined, target });
  } finally {
    if (connection !== undefined) disconnect(connection);
  }
}

function targetOf({ target, tls, caFile, token, tokenVariable }: ServerPlace): ReturnType<typeof readTarget> {
  const block: Record<string, string | boolean> = {
    target,
    service: "the.Listing",
    method: "services",
    reflection: true,
  };
  if (tls !== undefined) block["tls"] = tls;
  if (caFile !== undefined) block["ca_file"] = caFile;
  if (tokenVariable !== undefined) block["auth_env_var"] = tokenVariable;
  const metadata = Object.fromEntries(
    Object.entries(block).map(([key, value]) => [`${PROVIDER}_${key}`, String(value)]),
  );
  const read = readTarget(
    { id: "the listing", metadata, block, idempotent: true, trusted: true },
    {
      variable: () => undefined,
      secret: () => token,
      authorizeEndpoint: () => {},
      authorizeCommand: () => {},
      endpointSettings: () => ({}),
    },
  );
  return { ...read, operation: "its reflection" };
}

/** Reads what `.proto` files, a folder of them, or a descriptor set describe. Throws `invalid-argument` where a single file is none of those. */
export async function describeFiles(
  path: string,
  options: { readonly protoPaths?: readonly string[] | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<LocalDescription> {
  const { protoPaths = [], signal } = options;
  const found = await stat(path).catch((error: NodeJS.ErrnoException) =>
    fail("invalid-argument", `${oneLine(path, 300)} cannot be read: ${error.code ?? "unknown reason"}.`),
  );
  if (!found.isDirectory() && extname(path) !== ".proto") {
    const files = await readDescriptorSet(path);
    return { ...describe(files, commentsOf(files), hostsOf(files)), kind: "descriptor-set" };
  }
  const files = found.isDirectory() ? await protoFilesBelow(path, signal) : [path];
  if (files.length === 0) fail("invalid-argument", `There is no .proto file in ${oneLine(path, 300)}.`);
  const broken: BrokenFile[] = [];
  const isOne = !found.isDirectory();
  const folder = isOne ? join(path, "..") : path;
  const read = await readProtoFiles(files, {
    paths: protoPaths.length > 0 ? [...protoPaths, folder] : [folder],
    signal,
    ...(!isOne && { broken: (_file: string, error: CcosError) => void broken.push(asBroken(error)) }),
  });
  const described = describe(read.descriptors, read.comments, read.hosts, new Set(read.roots));
  const missing = read.absent.map(({ name, importedBy }) => `${name} (imported by ${oneLine(importedBy, 200)})`);
  return { ...described, broken: [...broken, ...described.broken], missingImports: missing, kind: "proto" };
}

function asBroken(error: CcosError): BrokenFile {
  const { place } = error;
  const file = place?.file ?? "";
  return { file: place === undefined ? file : `${file}:${place.line}`, reason: oneLine(error.message, 300) };
}

async function protoFilesBelow(folder: string, signal: AbortSignal | undefined): Promise<string[]> {
  const files: string[] = [];
  const search = async (path: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const inner = join(path, entry.name);
      if (entry.isFile() && entry.name.endsWith(".proto")) files.push(inner);
      else if (entry.isDirectory() && depth < 32 && entry.name !== "node_modules" && entry.name !== ".git")
        await search(inner, depth + 1);
      if (files.length > MOST_FILES) fail("invalid-argument", `${folder} holds more than ${MOST_FILES} .proto files.`);
    }
  };
  await search(folder, 0);
  return files;
}

/** @param roots the files whose services are meant; undefined: all */
function describe(
  files: readonly FileDescriptorProto[],
  comments: ReadonlyMap<string, string>,
  hosts: ReadonlyMap<string, string>,
  roots?: ReadonlySet<string>,
): Description {
  const built = buildRegistry(files);
  const schemas = new MessageSchemas(comments);
  let pruner: DescriptorPruner | undefined;
  const services = built.files
    .filter(({ proto }) => roots === undefined || roots.has(proto.name))
    .flatMap((file) => file.services.map((service) => ({ service, file: file.proto.name })));
  const methods = services.flatMap(({ service, file }) =>
    service.methods.map((method) => describeMethod(method, service, file, { comments, hosts, schemas })),
  );
  return {
    methods,
    schemaRoot: schemas.root,
    broken: built.broken,
    missingImports: [],
    descriptorSet: (wanted) => (pruner ??= new DescriptorPruner(built.files.map(({ proto }) => proto))).encode(wanted),
  };
}

function describeMethod(
  method: DescMethod,
  service: DescService,
  file: string,
  known: {
    readonly comments: ReadonlyMap<string, string>;
    readonly hosts: ReadonlyMap<string, string>;
    readonly schemas: MessageSchemas;
  },
): DescribedMethod {
  const level = method.proto.options?.idempotencyLevel ?? MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
  const comment = known.comments.get(`${service.typeName}/${method.name}`);
  return {
    service: service.typeName,
    method: method.name,
    kind: method.methodKind,
    file,
    comment,
    host: known.hosts.get(service.typeName),
    deprecated: method.deprecated || service.deprecated,
    idempotencyLevel:
      level === MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN ? undefined : MethodOptions_IdempotencyLevel[level],
    input: known.schemas.input(method),
    output: known.schemas.output(method),
  };
}

// Field numbers of FileDescriptorProto.service and ServiceDescriptorProto.method.
const [SERVICE, METHOD] = [6, 2];

/** What compilers keep of comments (`--include_source_info`). */
function commentsOf(files: readonly FileDescriptorProto[]): Map<string, string> {
  const comments = new Map<string, string>();
  for (const file of files) {
    for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? []) {
      if (
        path[0] !== SERVICE ||
        leadingComments === "" ||
        (path.length !== 2 && (path.length !== 4 || path[2] !== METHOD))
      )
        continue;
      const service = file.service[path[1] ?? -1];
      if (service === undefined) continue;
      const name = file.package === "" ? service.name : `${file.package}.${service.name}`;
      const method = path.length === 4 ? service.method[path[3] ?? -1] : undefined;
      comments.set(method === undefined ? name : `${name}/${method.name}`, leadingComments.trim());
    }
  }
  return comments;
}

/** The extension `google.api.default_host` of a service (google/api/client.proto). */
const DEFAULT_HOST = 1049;

function hostsOf(files: readonly FileDescriptorProto[]): Map<string, string> {
  const hosts = new Map<string, string>();
  for (const file of files) {
    for (const service of file.service) {
      const option = service.options?.$unknown?.find(({ no }) => no === DEFAULT_HOST);
      if (option === undefined) continue;
      // The length comes first: hosts are shorter than 128 bytes, and so it is one byte.
      const host = Buffer.from(option.data.subarray(1)).toString("utf8");
      if (/^[\w.-]+(?::\d+)?$/.test(host))
        hosts.set(file.package === "" ? service.name : `${file.package}.${service.name}`, host);
    }
  }
  return hosts;
}

export function isDescriptorSet(bytes: Buffer): boolean {
  try {
    return decodeDescriptorSet(bytes, "").length > 0;
  } catch {
    return false;
  }
}
