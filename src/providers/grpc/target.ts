import {
  chooseCredential,
  partHeaders,
  readHeaders,
  readMaxResponseBytes,
  requireEncryption,
  settingReader,
} from "../../http/index.ts";
import type { Credential, SettingReader } from "../../http/index.ts";
import { fail, getOwn, isJsonObject } from "../../kernel/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { readAddress, type Address } from "./address.ts";
import { readFlag, readKeepalive, readNumber, type Keepalive } from "./block-values.ts";
import { pathOf, readSchemaSource, type SchemaSource } from "./schema-source.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

export interface GrpcSettings {
  readonly address: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly tls: TlsSettings | undefined;
  /** What the server is to be called, instead of by its host: `:authority` and the name in its certificate. */
  readonly authority: string | undefined;
  /** What goes with each call: declared metadata and the credential. Lower-case names. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly credential: Credential;
  readonly secrets: readonly string[];
  readonly source: SchemaSource;
  readonly service: string;
  readonly method: string;
  readonly maxResponseBytes: number;
  /** Messages that a plain call of a streaming method gathers. */
  readonly maxMessages: number;
  readonly keepalive: Keepalive;
  /** Fields that hold what they would hold anyway are in the result. */
  readonly emitDefaults: boolean;
  /** The end of what is sent is said, where the server may send more. */
  readonly halfClose: boolean;
}

export interface TlsSettings {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

const DEFAULT_MAX_MESSAGES = 1_000;
const NAME = /^[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*)*$/;
/** What gRPC itself sends (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const RESERVED = ["grpc-*", "content-type", "user-agent", "accept", "content-encoding", "host"];

/** Where, as whom and with what a capability is called, read from its metadata and the environment. No I/O. */
export function readTarget(capability: SessionCapability, context: TargetContext): Target {
  const read = settingReader(capability, PROVIDER, ALIASES);
  const id = JSON.stringify(capability.id);
  const service = readName(read("service"), "service", id);
  const method = readName(read("method"), "method", id);
  const address = placeOf(capability, context, read);
  const credential = credentialOf(capability, context, read, address);
  const metadata = readMetadata(capability);
  for (const name of Object.keys(credential.headers))
    if (name in metadata) fail("invalid-argument", `:metadata and :auth of ${id} both set ${name}.`);
  const own = partHeaders(metadata);
  requireEncryption(address.url, own.secrets, capability.id);
  const configured = context.endpointSettings(address.endpoint);
  const tls = readTls(capability, context, read, address);
  const authority = read("authority") || undefined;
  if (authority !== undefined && !/^[\w.[\]:-]+$/.test(authority))
    fail("invalid-argument", `:authority of ${id} is no name of a host.`);
  const maxResponseBytes = readMaxResponseBytes(capability, configured, read);
  const keepalive = readKeepalive(capability, read);
  const settings: GrpcSettings = {
    address: address.target,
    host: address.host,
    port: address.port,
    tls,
    authority,
    metadata: { ...metadata, ...credential.headers },
    credential,
    secrets: [...Object.values(own.secrets), ...credential.secrets],
    source: readSchemaSource(capability, read),
    service,
    method,
    maxResponseBytes,
    maxMessages: readNumber(read("max_messages"), DEFAULT_MAX_MESSAGES, 1, 1_000_000, ":max_messages", id),
    keepalive,
    emitDefaults: readFlag(read("emit_defaults"), true, ":emit_defaults", id),
    halfClose: readFlag(read("half_close"), true, ":half_close", id),
  };
  return {
    endpoint: address.endpoint,
    credentials: { ...own.secrets, ...credential.credentials },
    credentialSource: credential.source,
    shape: {
      tls: tls === undefined ? "" : JSON.stringify(tls),
      authority: authority ?? "",
      auth: credential.manner,
      metadata: JSON.stringify(own.shown),
      max_response_bytes: String(maxResponseBytes),
      keepalive: JSON.stringify(keepalive),
    },
    operation: `${service}/${method}`,
    idempotent: readIdempotency(read("idempotency_level"), id),
    settings,
  };
}

function readName(text: string | undefined, key: string, id: string): string {
  if (text === undefined || text === "") {
    return fail("invalid-argument", `Capability ${id} names no ${key}.`, {
      remedy: `Add :${key} to its :${PROVIDER} block.`,
    });
  }
  const name = text.replace(/^\./, "");
  if (!NAME.test(name) || name.length > 500 || (key === "method" && name.includes(".")))
    fail("invalid-argument", `:${key} of ${id} is no name that Protocol Buffers allow.`);
  return name;
}

function placeOf(capability: SessionCapability, context: TargetContext, read: SettingReader): Address {
  const id = JSON.stringify(capability.id);
  const encrypted =
    read("tls") === undefined || read("tls") === "" ? undefined : readFlag(read("tls"), true, ":tls", id);
  const variable = read("target_override_env") || undefined;
  const given = variable === undefined ? undefined : context.variable(variable);
  if (variable !== undefined && given !== undefined && given !== "") {
    // What `:tls` says was said of the declared server.
    const address = readAddress(
      given,
      undefined,
      `the variable ${variable}`,
      `Set ${variable} to host:port, or unset it.`,
    );
    context.authorizeEndpoint(address.origin, variable);
    return address;
  }
  const declared = read("target");
  if (declared === undefined || declared === "") {
    return fail("invalid-argument", `Capability ${id} names no server.`, {
      remedy: `Add :target "host:port" to its :${PROVIDER} block${variable === undefined ? "" : `, or set ${variable}`}.`,
    });
  }
  return readAddress(declared, encrypted, `capability ${id}`, "Correct its :target.");
}

function credentialOf(
  capability: SessionCapability,
  context: TargetContext,
  read: SettingReader,
  { url, origin }: Address,
): Credential {
  // Secrets are bound to gRPC's own origins; what is asked for somewhere else (a token) is asked for there.
  const secret: TargetContext["secret"] = (name, use) =>
    context.secret(name, use.origin === url.origin ? { ...use, origin } : use);
  const credential = chooseCredential({
    capability,
    context: {
      variable: (name) => context.variable(name),
      secret,
      authorizeEndpoint: (where, name) => context.authorizeEndpoint(where, name),
      authorizeCommand: (command) => context.authorizeCommand(command),
      endpointSettings: (endpoint) => context.endpointSettings(endpoint),
    },
    read,
    url,
  });
  if (Object.keys(credential.query).length > 0) {
    fail(
      "invalid-argument",
      `:auth of ${JSON.stringify(capability.id)} puts its key into a query, and gRPC has none.`,
      {
        remedy: 'Use :location "header".',
      },
    );
  }
  return credential;
}

function readMetadata(capability: SessionCapability): Record<string, string> {
  const declared = getOwn(capability.block, "metadata") ?? getOwn(capability.block, "headers") ?? {};
  const id = JSON.stringify(capability.id);
  if (!isJsonObject(declared)) fail("invalid-argument", `:metadata of ${id} is no map.`);
  const metadata = readHeaders(
    { ...capability, block: { headers: declared } },
    { provider: PROVIDER, reserved: RESERVED },
  );
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9_.-]+$/.test(name))
      fail("invalid-argument", `:metadata of ${id} has a name that gRPC does not allow.`);
    if (name.endsWith("-bin") && !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
      fail("invalid-argument", `The metadata ${name} of ${id} is not base64, as every name that ends in -bin needs.`);
    // oxlint-disable-next-line no-control-regex
    if (!name.endsWith("-bin") && /[^\u0020-\u007e]/.test(value))
      fail("invalid-argument", `The metadata ${name} of ${id} is more than ASCII.`, {
        remedy: "Send it under a name that ends in -bin, as base64.",
      });
  }
  return metadata;
}

function readTls(
  capability: SessionCapability,
  context: TargetContext,
  read: SettingReader,
  address: Address,
): TlsSettings | undefined {
  const file = (key: string): string | undefined => {
    const text = read(key) || undefined;
    return text === undefined ? undefined : pathOf(capability, key, text);
  };
  const settings = { caFile: file("ca_file"), certFile: file("cert_file"), keyFile: file("key_file") };
  const id = JSON.stringify(capability.id);
  if ((settings.certFile === undefined) !== (settings.keyFile === undefined))
    fail("invalid-argument", `${id} declares one of :cert_file and :key_file, which go together.`);
  if (address.tls) {
    // Whoever holds the key is whom the certificate names: a credential, though it does not travel.
    if (settings.keyFile !== undefined && !capability.trusted) context.authorizeEndpoint(address.origin, ":key_file");
    return settings;
  }
  if (Object.values(settings).some((path) => path !== undefined)) {
    fail("invalid-argument", `${id} declares certificates for a connection without TLS.`, { remedy: "Add :tls true." });
  }
  return undefined;
}

/** `idempotency_level` of the method (google/protobuf/descriptor.proto), as imports write it. */
function readIdempotency(text: string | undefined, id: string): boolean | undefined {
  switch (text?.toUpperCase().replaceAll("-", "_")) {
    case undefined:
    case "":
    case "IDEMPOTENCY_UNKNOWN":
      return undefined;
    case "NO_SIDE_EFFECTS":
    case "IDEMPOTENT":
      return true;
    default:
      return fail("invalid-argument", `:idempotency_level of ${id} is unknown.`, {
        remedy: 'Use "NO_SIDE_EFFECTS", "IDEMPOTENT" or "IDEMPOTENCY_UNKNOWN".',
      });
  }
}
