import { readHttpPlace, wordOf, type HttpPlace, type HttpPlaceRules } from "../../http/index.ts";
import { getOwn, isJsonObject, stringifyJson, type JsonValue } from "../../kernel/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { BlockReader, eitherSpelling } from "./block-reader.ts";
import { readOperation, type Operation } from "./operation.ts";
import { ALIASES, PROVIDER } from "./traits.ts";
import { readWire, shapeOfWire, type Wire } from "./wire.ts";

export interface WebSocketSettings {
  readonly place: HttpPlace;
  readonly wire: Wire;
  readonly operation: Operation;
  /** Offered in this order. */
  readonly subprotocols: readonly string[];
  /** How the token goes into the list of subprotocols; undefined where it does not. */
  readonly tokenProtocol: TokenProtocol | undefined;
}

export interface TokenProtocol {
  readonly prefix: string;
  readonly encoding: "plain" | "base64url";
}

/** The token stands in messages, as `{$token}`, or among the subprotocols, and in no header. */
const OWN_TYPES = ["message", "subprotocol"];

const PLACE_RULES: HttpPlaceRules = {
  provider: PROVIDER,
  urlKey: "url",
  aliases: ALIASES,
  schemes: ["ws:", "wss:"],
  reserved: ["sec-websocket-*"],
  credentialRules: () => ({ ownTypes: OWN_TYPES }),
};

/** Where, as whom and with what a capability is called, read from its metadata and the environment. */
export function readTarget(capability: SessionCapability, context: TargetContext): Target {
  const reader = new BlockReader(capability.id, blockLook(capability));
  const { wire, operation, shape, subprotocols, tokenProtocol, tokenInMessages } = declarationOf(capability, reader);
  const place = readHttpPlace(tokenInMessages ? inMessages(capability) : capability, context, PLACE_RULES);
  const settings: WebSocketSettings = {
    place,
    wire: { ...wire, maxResponseBytes: place.maxResponseBytes },
    operation,
    subprotocols,
    tokenProtocol,
  };
  return {
    ...place.target,
    shape: { ...place.target.shape, ...shape },
    operation: operation.name,
    settings,
  };
}

/** A token that stands in a message goes into no header as well, unless `:auth` says so. */
function inMessages(capability: SessionCapability): SessionCapability {
  const key = `${PROVIDER}_auth_type`;
  if (getOwn(capability.metadata, key) !== undefined || Array.isArray(getOwn(capability.block, "auth")))
    return capability;
  return { ...capability, metadata: { ...capability.metadata, [key]: "message" } };
}

interface Declaration {
  readonly wire: Wire;
  readonly operation: Operation;
  readonly shape: Readonly<Record<string, string>>;
  readonly subprotocols: readonly string[];
  readonly tokenProtocol: TokenProtocol | undefined;
  readonly tokenInMessages: boolean;
}

// A block does not change, and reading one takes longer than all the rest of a target.
const known = new WeakMap<object, { readonly capabilityId: string; readonly declaration: Declaration }>();

function declarationOf(capability: SessionCapability, reader: BlockReader): Declaration {
  const found = known.get(capability.metadata);
  if (found?.capabilityId === capability.id) return found.declaration;
  const wire = readWire(reader);
  const subprotocols = reader.texts("subprotocols");
  if (
    subprotocols.some((name) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) ||
    new Set(subprotocols).size < subprotocols.length
  ) {
    reader.fail("subprotocols", "has a name twice, or one that is none");
  }
  const declaration: Declaration = {
    wire,
    operation: readOperation(capability.id, reader, wire),
    shape: { wire: shapeOfWire(reader), subprotocols: subprotocols.join(" ") },
    subprotocols,
    tokenProtocol: readTokenProtocol(reader),
    tokenInMessages: namesToken(capability.block),
  };
  known.set(capability.metadata, { capabilityId: capability.id, declaration });
  return declaration;
}

function readTokenProtocol(reader: BlockReader): TokenProtocol | undefined {
  const auth = reader.value("auth");
  const type = isJsonObject(auth) ? getOwn<JsonValue>(auth, "type") : undefined;
  if (typeof type !== "string" || wordOf(type) !== "subprotocol") return undefined;
  const inner = reader.inner("auth", ["type", "env_var", "prefix", "encoding"]);
  return {
    prefix: inner?.text("prefix") ?? "",
    encoding: inner?.choice("encoding", ["plain", "base64url"], "plain") ?? "plain",
  };
}

const TOKEN = /\{\$token\}/;

function namesToken(value: JsonValue): boolean {
  return TOKEN.test(stringifyJson(value));
}

/** A key as it stands in the file; of blocks that were written flat, as a text. */
function blockLook(capability: SessionCapability): (key: string) => JsonValue | undefined {
  const names = (key: string): readonly string[] => [
    key,
    ...(getOwn(ALIASES as Readonly<Record<string, readonly string[]>>, key) ?? []),
  ];
  return (key) => {
    for (const name of names(key)) {
      const value = eitherSpelling(capability.block, name) ?? getOwn(capability.metadata, `${PROVIDER}_${name}`);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}
