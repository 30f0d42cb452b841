import { createDispatcher, partQuery, SignInStore } from "../../http/index.ts";
import { createRedactor, fail, redactError, systemClock, systemRandom, type Interaction } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { SessionAuthorizer } from "./authorization.ts";
import type { Connection } from "./connect.ts";
import { classify } from "./map-error.ts";
import { VerdictMemory } from "./negotiate.ts";
import type { SignInPlan } from "./sign-in-plan.ts";
import type { McpSettings } from "./target.ts";

/** A server to describe: a URL, or a command. Secrets are given as values; nothing is read from the environment. */
export interface ServerAddress {
  readonly url?: string | undefined;
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  readonly token?: string | undefined;
  /** The variable the token came from, to be named when it is refused. */
  readonly tokenVariable?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly transport?: "auto" | "streamable-http" | "sse" | undefined;
  /** Most bytes of one answer. Default 32 MiB. */
  readonly maxResponseBytes?: number | undefined;
  /** Time for everything, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where sign-ins are kept: the one for this URL is used where there is no token. Default: nowhere. */
  readonly signInFolder?: string | undefined;
  /** Hears of tools that were left out. */
  readonly warn?: ((message: string) => void) | undefined;
}

// Some servers offer less to a client that answers nothing, and what is listed may be called by one that does.
const NOBODY: Interaction = {
  elicit: () => Promise.resolve({ action: "decline" }),
  sample: () => Promise.resolve(undefined),
  roots: () => [],
};

const NO_PLAN: SignInPlan = {
  clientId: undefined,
  clientSecret: undefined,
  issuer: undefined,
  clientMetadataUrl: undefined,
  scope: undefined,
  dpop: false,
  record: undefined,
};

/** What is done with a server that is open. */
export interface ServerUse<T> {
  readonly use: (connection: Connection, signal: AbortSignal) => Promise<T>;
  /** Told that what the server offers has changed. */
  readonly offerChanged?: ((what: string) => void) | undefined;
  readonly lost?: ((reason: string) => void) | undefined;
  /** The time of the address is for opening alone. Default false: for everything. */
  readonly isLong?: boolean | undefined;
}

/** Uses a server in a session of its own that is closed again. */
export async function useServer<T>(
  address: ServerAddress,
  { use, offerChanged, lost, isLong }: ServerUse<T>,
): Promise<T> {
  const store = address.signInFolder === undefined ? undefined : new SignInStore(address.signInFolder);
  const target = targetOf(address, store);
  const redactor = createRedactor();
  const [{ connect }, dispatcher] = await Promise.all([import("./connect.ts"), createDispatcher()]);
  const timeoutMs = address.timeoutMs ?? 30_000;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = address.signal === undefined ? timeout : AbortSignal.any([address.signal, timeout]);
  let connection: Connection | undefined;
  try {
    const context: SessionContext = {
      clock: systemClock,
      random: systemRandom,
      signal,
      lost: () => {},
      addSecret: (secret) => redactor.add(secret),
      warn: address.warn ?? (() => {}),
    };
    const authorizer = new SessionAuthorizer({ dispatcher: () => Promise.resolve(dispatcher), store });
    connection = await connect((await authorizer.open(target, context)).target, {
      dispatcher,
      verdicts: new VerdictMemory(Date.now),
      now: Date.now,
      openTimeoutMs: timeoutMs,
      signal,
      interaction: NOBODY,
      isBrief: true,
      offerChanged,
      lost,
    });
    return await use(connection, isLong === true ? (address.signal ?? new AbortController().signal) : signal);
  } catch (error) {
    if (timeout.aborted && address.signal?.aborted !== true && (isLong !== true || connection === undefined)) {
      fail("deadline-exceeded", `${target.endpoint} did not say within ${timeoutMs} ms what it offers.`, {
        cause: error,
      });
    }
    throw redactError(classify(error, { phase: "open", sent: connection !== undefined, target }), redactor);
  } finally {
    await connection?.transport.terminate();
    await connection?.transport.close();
    await dispatcher.destroy();
  }
}

function targetOf(address: ServerAddress, store: SignInStore | undefined): Target {
  const { url, command, args = [], env = {}, cwd, token, headers = {} } = address;
  const maxResponseBytes = address.maxResponseBytes ?? 32 * 1024 * 1024;
  const credentials: Record<string, string> = token === undefined ? {} : { token };
  const common = { credentials, credentialSource: address.tokenVariable, shape: {}, operation: "the listing" };
  if (command !== undefined) {
    const settings: McpSettings = { kind: "stdio", command, args, env, cwd, maxResponseBytes };
    return { ...common, endpoint: [command, ...args].join(" "), settings };
  }
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
    fail("invalid-argument", "The server is named neither by an http or https URL nor by a command.");
  }
  parsed.hash = "";
  const { href: endpoint } = partQuery(parsed).shown;
  const record = token === undefined ? store?.read(endpoint) : undefined;
  const settings: McpSettings = {
    kind: "http",
    url: parsed.href,
    capabilityId: endpoint,
    signIn: record && { ...NO_PLAN, record },
    headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }) },
    transport: address.transport ?? "auto",
    maxResponseBytes,
  };
  // What is kept is kept for the whole address; people are shown it without its query.
  return { ...common, endpoint: record === undefined ? parsed.origin + parsed.pathname : endpoint, settings };
}
