import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { isJsonObject } from "../../kernel/index.ts";
import type { RpcAnswer, WireTransport } from "./transport.ts";
import { WireError, type RpcError } from "./wire-error.ts";

/** The revision without a handshake that we speak. */
export const MODERN_VERSION = "2026-07-28";

/** Errors that only a server of the modern era gives; an older transport behind them is not worth a try. */
export const MODERN_CODES: ReadonlySet<number> = new Set([-32020, -32021, -32022]);
const UNSUPPORTED_VERSION = -32022;

export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

/** What a server said of itself when it was discovered. */
export type Discovery = JsonObject;

export type Verdict =
  | { readonly era: "modern"; readonly discover: Discovery }
  /** `certain` is false where the server gave no evidence, only no better answer: then nothing is kept. */
  | { readonly era: "legacy"; readonly certain: boolean };

/** The part of every modern request that says who asks, and in which revision. */
export function envelope(clientInfo: ClientInfo, capabilities: JsonObject): JsonObject {
  return {
    "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
    "io.modelcontextprotocol/clientInfo": { name: clientInfo.name, version: clientInfo.version },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
}

/**
 * Finds out the era of a server by asking it to describe itself. What says nothing of the era (refused
 * credentials, too many requests, an outage, silence) is an error and no verdict.
 */
export async function negotiate(
  transport: WireTransport,
  clientInfo: ClientInfo,
  capabilities: JsonObject,
  signal: AbortSignal,
): Promise<Verdict> {
  for (let round = 0; ; round++) {
    let answer: RpcAnswer;
    try {
      answer = await transport.request("server/discover", { _meta: envelope(clientInfo, capabilities) }, { signal });
    } catch (error) {
      const verdict = error instanceof WireError ? verdictOfFailure(error) : undefined;
      if (verdict === "again" && round === 0) continue;
      if (verdict === undefined || verdict === "again") throw error;
      return verdict;
    }
    if ("result" in answer) return verdictOfResult(answer.result);
    const verdict = verdictOfError(answer.error, transport);
    if (verdict !== "again") return verdict;
    if (round > 0) throw new WireError({ kind: "rpc", error: answer.error }, transport.state);
  }
}

function verdictOfResult(result: JsonValue): Verdict {
  if (!isJsonObject(result)) return { era: "legacy", certain: false };
  const versions = result["supportedVersions"];
  const modern = Array.isArray(versions) && versions.includes(MODERN_VERSION) && isJsonObject(result["capabilities"]);
  return modern ? { era: "modern", discover: result } : { era: "legacy", certain: true };
}

function verdictOfError(error: RpcError, transport: Pick<WireTransport, "state">): Verdict | "again" {
  if (error.code !== UNSUPPORTED_VERSION) return { era: "legacy", certain: true };
  const supported = (error.data as { supported?: unknown } | undefined)?.supported;
  const versions = Array.isArray(supported) ? supported.filter((version) => typeof version === "string") : [];
  if (versions.includes(MODERN_VERSION)) return "again";
  if (versions.some((version) => version > MODERN_VERSION)) {
    throw new WireError({ kind: "rpc", error }, transport.state);
  }
  return { era: "legacy", certain: true };
}

function verdictOfFailure(error: WireError): Verdict | "again" | undefined {
  const { failure } = error;
  if (failure.kind === "cut") return { era: "legacy", certain: false };
  if (failure.kind !== "http") return undefined;
  const { status, rpc } = failure;
  // A server that fails on what it does not know may well know the handshake.
  if (status === 500 || status === 501) return { era: "legacy", certain: false };
  if (status < 400 || status > 499 || status === 401 || status === 403 || status === 408 || status === 429)
    return undefined;
  return rpc === undefined ? { era: "legacy", certain: true } : verdictOfError(rpc, error);
}

const MOST_VERDICTS = 1000;
const VERDICT_LIFE_MS = 3_600_000;

/**
 * What is known of the servers met so far: the era is a property of the server, not of a session. A verdict
 * is dropped when a server contradicts it, and after an hour.
 */
export class VerdictMemory {
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly verdict: KnownVerdict; readonly at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): KnownVerdict | undefined {
    const found = this.#known.get(key);
    if (found === undefined) return undefined;
    if (this.#now() - found.at <= VERDICT_LIFE_MS) return found.verdict;
    this.#known.delete(key);
    return undefined;
  }

  set(key: string, verdict: KnownVerdict): void {
    this.#known.delete(key);
    this.#known.set(key, { verdict, at: this.#now() });
    if (this.#known.size <= MOST_VERDICTS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  drop(key: string): void {
    this.#known.delete(key);
  }
}

export type KnownVerdict =
  | { readonly era: "modern"; readonly discover: Discovery }
  | { readonly era: "legacy"; readonly transport: "http" | "sse" | "stdio" };
