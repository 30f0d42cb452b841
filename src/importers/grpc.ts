import { basename, resolve } from "node:path";
import { fail, isCcosError, type JsonObject } from "../kernel/index.ts";
import {
  describeFiles,
  describeServer,
  type DescribedMethod,
  type Description,
  type LocalDescription,
} from "../providers/grpc/index.ts";
import { jsonSchemaToShallowType, type Type } from "../rtfs/index.ts";
import type { Declaration, ImportOptions, ImportResult, NotImported } from "./declaration.ts";
import { matchesGlob } from "./glob.ts";
import { descriptorFileNames, pruneDescriptorSets, saveDescriptorSets } from "./grpc-descriptor-files.ts";
import { connectionOf, parseGrpcSource, parseTarget, type GrpcSource } from "./grpc-source.ts";
import { loosenType, nullable } from "./loosen-type.ts";
import { readToken } from "./token.ts";
import { beginImport, writeListing } from "./write-listing.ts";

/**
 * The source is a server that describes itself (`host:port`, `grpcs://host`), a `.proto` file, a folder of them, or a
 * descriptor set.
 */
export interface ImportGrpcOptions extends ImportOptions {
  /** Where the service is to be called, for what is read from files. Default: what the files say (`google.api.default_host`). */
  readonly target?: string | undefined;
  /** Folders that imports of `.proto` files are looked up in. Default: the folder of the source. */
  readonly protoPath?: readonly string[] | undefined;
  /** The authority that signed the server's certificate, as a PEM file. */
  readonly caFile?: string | undefined;
}

const PROVIDER = "grpc";
/** Inputs are what has to be known of a method; of its results, a few levels are enough. */
const MOST_INPUT_NODES = 1_000;
const MOST_OUTPUT_NODES = 250;

/** Writes a capability file for each method of gRPC services, and beside them what their messages look like. */
export async function importGrpc(options: ImportGrpcOptions): Promise<ImportResult> {
  const run = beginImport(options);
  const cwd = options.cwd ?? process.cwd();
  const source = await parseGrpcSource(options.source, cwd);
  const isRemote = source.kind === "server";
  const target = options.target === undefined ? undefined : parseTarget(options.target, "--target");
  const description = await describe(source, options, cwd);
  for (const name of description.missingImports.slice(0, 20)) run.warn(`The import ${name} was not found.`);

  const common = commonPackage(description.methods);
  const wanted = description.methods.filter(
    ({ service, method }) => options.filter === undefined || matchesGlob(`${service}/${method}`, options.filter),
  );
  const notImported: NotImported[] = description.broken.map(({ file, reason }) => ({
    operation: file,
    place: file,
    reason,
  }));
  const places = new Map<DescribedMethod, JsonObject>();
  for (const one of wanted) {
    const place =
      target ??
      (isRemote ? source : one.host === undefined ? undefined : parseTarget(`grpcs://${one.host}`, one.service));
    if (place !== undefined) places.set(one, connectionOf(place.address, options.caFile, cwd, options.out));
    else
      notImported.push({
        operation: `${one.service}/${one.method}`,
        place: one.file,
        reason: "nothing says where it is to be called: name the server with --target",
      });
  }
  if (wanted.length > 0 && places.size === 0) {
    fail("invalid-argument", `${source.shown} does not say where its services are to be called.`, {
      remedy: "Name the server with --target host:port.",
    });
  }
  const files = isRemote
    ? new Map<string, string>()
    : descriptorFileNames(options.prefix ?? PROVIDER, [...new Set([...places.keys()].map(({ service }) => service))]);
  await saveDescriptorSets(description, files, { out: resolve(cwd, options.out), signal: options.signal });
  const result = await writeListing(
    {
      provider: PROVIDER,
      serverName: common,
      fallbackName: source.kind === "server" ? source.address.host : basename(source.path),
      sourceText: source.shown,
      method: isRemote ? "grpc_reflection" : "grpc_descriptors",
      noun: "method",
      operations: [...places].map(([one, connection]) => ({
        name: `${one.service}/${one.method}`,
        idParts: idParts(one, options.prefix === undefined ? "" : common),
        place: one.file,
        declare: (warn) =>
          declareMethod(one, description, warn, {
            ...connection,
            service: one.service,
            method: one.method,
            requires_session: "auto",
            ...(isRemote ? { reflection: true } : { descriptor_set: files.get(one.service) as string }),
            ...(options.authEnv !== undefined && { auth_env_var: options.authEnv }),
            ...(one.idempotencyLevel !== undefined && { idempotency_level: one.idempotencyLevel }),
          }),
      })),
      notImported,
    },
    // A method is known by its full name, which says of itself whose it is.
    { ...options, prefix: options.prefix ?? PROVIDER },
    run,
  );
  if (options.prune === true && !isRemote)
    await pruneDescriptorSets(resolve(cwd, options.out), options.prefix ?? PROVIDER);
  return result;
}

async function describe(
  source: GrpcSource,
  options: ImportGrpcOptions,
  cwd: string,
): Promise<Description | LocalDescription> {
  if (source.kind === "files") {
    // Named in the files; nothing is sent.
    if (options.authEnv !== undefined) readToken({ ...options, env: { [options.authEnv]: "named" } }, source.shown);
    const protoPaths = (options.protoPath ?? []).map((path) => resolve(cwd, path));
    return describeFiles(source.path, { protoPaths, signal: options.signal });
  }
  const { address, shown } = source;
  try {
    return await describeServer({
      target: address.endpoint,
      caFile: options.caFile === undefined ? undefined : resolve(cwd, options.caFile),
      token: readToken(options, shown, address.url),
      tokenVariable: options.authEnv,
      timeoutMs: options.timeout,
      signal: options.signal,
    });
  } catch (error) {
    if (!isCcosError(error)) throw error;
    if (error.code === "unauthenticated" && options.authEnv === undefined)
      throw error.with({ remedy: "Put a token into a variable and name that with --auth-env." });
    if (error.code === "rejected" && error.details?.["status"] === "UNIMPLEMENTED") {
      throw error.with({
        remedy: `It has no server reflection: import its .proto file or descriptor set instead, with --target ${shown}.`,
      });
    }
    throw error;
  }
}

/** The package that all services share; empty where they share none. */
function commonPackage(methods: readonly DescribedMethod[]): string {
  const packages = [...new Set(methods.map(({ service }) => service.split(".").slice(0, -1).join(".")))];
  const [first = "", ...others] = packages.map((name) => name.split("."));
  if (first === "") return "";
  let length = first.length;
  for (const other of others) while (first.slice(0, length).join(".") !== other.slice(0, length).join(".")) length--;
  return first.slice(0, length).join(".");
}

function idParts({ service, method }: DescribedMethod, common: string): string[] {
  const rest = common === "" ? service : service.slice(common.length + 1);
  return [...rest.split("."), method];
}

const KINDS: Readonly<Record<DescribedMethod["kind"], string>> = {
  unary: "",
  server_streaming: "Answers with a stream of messages; a plain call gathers them in a list.",
  client_streaming: "Takes a stream of messages: {:messages […]}.",
  bidi_streaming:
    "Takes a stream of messages ({:messages […]}) and answers with one; a plain call gathers them in a list.",
};

function declareMethod(
  one: DescribedMethod,
  { schemaRoot }: Description,
  warn: (message: string) => void,
  block: JsonObject,
): Declaration {
  const reading = { root: schemaRoot };
  const output = jsonSchemaToShallowType(one.output, () => {}, { ...reading, mostNodes: MOST_OUTPUT_NODES });
  const description = [one.deprecated ? "Deprecated." : "", one.comment ?? "", KINDS[one.kind]];
  return {
    title: `${one.service.slice(one.service.lastIndexOf(".") + 1)}.${one.method}`,
    description: description.filter((text) => text !== "").join("\n\n"),
    inputSchema: jsonSchemaToShallowType(one.input, warn, { ...reading, mostNodes: MOST_INPUT_NODES }),
    outputSchema: resultType(output),
    metadata: { [PROVIDER]: block },
  };
}

/** What servers send may be newer than what they were when they were asked. */
function resultType(type: Type): Type {
  return nullable(loosenType(type));
}
