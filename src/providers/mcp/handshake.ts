import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { MODERN_VERSION, type ClientInfo } from "./negotiate.ts";
import type { WireTransport } from "./transport.ts";
import { WireError } from "./wire-error.ts";

/** The revisions with a handshake that we speak, newest first. */
export const HANDSHAKE_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"] as const;

const SERVER_INFO = "io.modelcontextprotocol/serverInfo";

/** What a server says of itself when it is met. */
export interface ServerSelf {
  readonly protocolVersion: string;
  readonly capabilities: JsonObject;
  readonly serverInfo: { readonly name: string; readonly version: string } | undefined;
  readonly instructions: string | undefined;
  /** The answer as it came: with it another process can go on. */
  readonly answer: JsonObject;
}

/**
 * The handshake: `initialize`, its answer, `notifications/initialized`.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization
 */
export async function shakeHands(
  transport: WireTransport,
  clientInfo: ClientInfo,
  capabilities: JsonObject,
  signal: AbortSignal,
): Promise<ServerSelf> {
  const [protocolVersion] = HANDSHAKE_VERSIONS;
  const { name, version } = clientInfo;
  const params = { protocolVersion, capabilities, clientInfo: { name, version } };
  const answer = await transport.request("initialize", params, { signal });
  if ("error" in answer) throw new WireError({ kind: "rpc", error: answer.error }, transport.state);
  const self = readInitializeResult(answer.result, transport);
  transport.protocolVersion = self.protocolVersion;
  await transport.notify({ jsonrpc: "2.0", method: "notifications/initialized" });
  return self;
}

/** What a server said in a handshake, perhaps one with another process. Throws a `WireError` where it breaks the protocol. */
export function readInitializeResult(result: JsonValue, transport: Pick<WireTransport, "state">): ServerSelf {
  const broken = (text: string): WireError => new WireError({ kind: "broken", text }, transport.state);
  if (!isJsonObject(result)) throw broken("The answer to the handshake is no object.");
  const protocolVersion = getOwn(result, "protocolVersion");
  const capabilities = getOwn(result, "capabilities");
  const serverInfo = readServerInfo(getOwn(result, "serverInfo"));
  if (typeof protocolVersion !== "string" || !isJsonObject(capabilities) || serverInfo === undefined) {
    throw broken("The answer to the handshake lacks its protocolVersion, capabilities or serverInfo.");
  }
  if (!(HANDSHAKE_VERSIONS as readonly string[]).includes(protocolVersion)) {
    throw broken(
      `The server wants to speak revision ${JSON.stringify(protocolVersion.slice(0, 40))}; those spoken here are ${HANDSHAKE_VERSIONS.join(", ")} and ${MODERN_VERSION}.`,
    );
  }
  return { protocolVersion, capabilities, serverInfo, instructions: readInstructions(result), answer: result };
}

/** What a server of the modern era said when it was discovered; it has been looked at by whoever negotiated. */
export function readDiscovery(discover: JsonObject): ServerSelf {
  const meta = getOwn(discover, "_meta");
  const capabilities = getOwn(discover, "capabilities");
  return {
    protocolVersion: MODERN_VERSION,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo: readServerInfo(isJsonObject(meta) ? getOwn(meta, SERVER_INFO) : undefined),
    instructions: readInstructions(discover),
    answer: discover,
  };
}

/** Whether a server has a kind of thing (`tools`), and can do something with it (`listChanged`). */
export function offers({ capabilities }: Pick<ServerSelf, "capabilities">, kind: string, feature?: string): boolean {
  const offered = getOwn(capabilities, kind);
  if (feature === undefined) return offered !== undefined;
  return isJsonObject(offered) && getOwn(offered, feature) === true;
}

function readServerInfo(value: JsonValue | undefined): ServerSelf["serverInfo"] {
  if (!isJsonObject(value)) return undefined;
  const name = getOwn(value, "name");
  const version = getOwn(value, "version");
  return typeof name === "string" && typeof version === "string" ? { name, version } : undefined;
}

function readInstructions(answer: JsonObject): string | undefined {
  const instructions = getOwn(answer, "instructions");
  return typeof instructions === "string" ? instructions : undefined;
}
