import { z } from "zod";
import { COMMAND_ORIGIN, normaliseOrigin } from "./origins.ts";

// The vocabulary of a capability's metadata, so that a setting is called the same wherever it stands.
// This module loads zod: import it only when there is a configuration to check.

const milliseconds = z.number().int().min(0).max(2_147_483_647);
const count = z.number().int().min(1).max(1_000_000);

const session = z
  .strictObject({
    scope: z
      .enum(["identity", "caller", "capability", "shared"])
      .describe(
        "Who shares sessions: one pool per credential (identity, the default), per calling client (caller), per capability, or one for all (shared; only where a session carries no credential).",
      ),
    max_sessions: count.describe("Sessions per session key. Default 1."),
    max_sessions_per_endpoint: count.describe("Sessions per endpoint, all identities together. Default 64."),
    max_sessions_total: count.describe("Sessions of the whole process. Default 1000."),
    min_idle: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .describe("Unused sessions kept ready once a pool is in use, within max_sessions. Default 0."),
    max_in_flight: count.describe("Calls that one session carries at once. Default 64, or what the provider says."),
    max_waiters: z.number().int().min(0).max(1_000_000).describe("Calls that may wait for a session. Default 1000."),
    open_timeout_ms: milliseconds.min(1).describe("How long opening a session may take. Default 30000."),
    acquire_timeout_ms: milliseconds.min(1).describe("How long a call waits for a session. Default 10000."),
    idle_timeout_ms: milliseconds.describe("How long an unused session is kept; 0 for ever. Default 300000."),
    max_lifetime_ms: milliseconds.describe("How long a session is used at most; 0 for ever. Default 0."),
    validate_after_idle_ms: milliseconds.describe(
      "A session unused for this long is asked whether it is alive before a call gets it; 0 never. Default 0.",
    ),
    lease_timeout_ms: milliseconds.describe(
      "A call that holds a session for this long is reported, and the session is ended; 0 never. Default 3600000.",
    ),
    stateful: z
      .boolean()
      .describe(
        "The session holds state that a new one would not have: a call is not replayed on another one after its first use. Default false.",
      ),
    max_replays: z
      .number()
      .int()
      .min(0)
      .max(100)
      .describe("Fresh sessions in a row that may serve nothing before a call fails as session-lost. Default 2."),
  })
  .partial();

const number = z.number().int();
const most = 1_000_000;

const retry = z
  .strictObject({
    max_attempts: number
      .min(1)
      .max(100)
      .describe("Runs of a call, the first one included; replays on lost sessions do not count. Default 3."),
    initial_delay_ms: milliseconds.describe("Least wait before a call is run again. Default 100."),
    max_delay_ms: milliseconds.describe("Longest wait, unless the peer names a longer one. Default 5000."),
    budget_ratio: z
      .number()
      .min(0)
      .max(100)
      .describe("Runs again for each call to the same endpoint within ten seconds. Default 0.2."),
    budget_min_per_second: number
      .min(0)
      .max(most)
      .describe("Runs again that are granted a second on top of that. Default 10."),
  })
  .partial();

const rateLimit = z
  .strictObject({
    limit: count.describe("Calls per interval that one identity makes to one endpoint. Default: no limit."),
    interval_ms: milliseconds.min(1).describe("Length of the interval. Default 1000."),
    burst: count.describe("Calls that may go at once after a quiet time. Default: the limit."),
    max_queue: number.min(0).max(most).describe("Calls that may wait for their turn. Default 1000."),
    learn: z.boolean().describe("Keep to the times that a peer names when it refuses. Default true."),
    max_pause_ms: milliseconds.describe("Longest pause that a peer can cause so. Default 60000."),
  })
  .partial();

const circuitBreaker = z
  .strictObject({
    failures: count.describe("Failures in a row that open the breaker. Default 5."),
    reset_ms: milliseconds.min(1).describe("How long it stays open before calls may try. Default 10000."),
    half_open_calls: count.describe("Calls that try at once then, and must all succeed. Default 1."),
  })
  .partial();

const bulkhead = z
  .strictObject({
    max_concurrent: count.describe("Calls that run at once at one endpoint, all identities together. Default 16."),
    max_queue: number.min(0).max(most).describe("Calls that may wait for their turn. Default 100."),
  })
  .partial();

const cache = z
  .strictObject({
    ttl_ms: milliseconds.describe("How long an answer is fresh; 0 keeps none. Default 60000."),
    stale_while_revalidate_ms: milliseconds.describe(
      "How long after that it is still given while a new one is fetched. Default 0.",
    ),
    max_entries: count.describe("Answers kept. Default 1000."),
    max_bytes: number.min(1).max(1_073_741_824).describe("Size of the answers kept, as JSON text. Default 16777216."),
  })
  .partial();

/** A block of settings, or false: switched off. */
function block<T extends z.ZodObject>(settings: T, what: string) {
  return z
    .union([settings, z.literal(false)])
    .describe(what)
    .optional();
}

const policies = {
  session: session.describe("How sessions are shared, limited and kept.").optional(),
  retry: block(retry, "How often and when a failed call is run again; false: never. On by default."),
  rate_limit: block(rateLimit, "The most calls per time to one endpoint, and what is learned from it; false: neither."),
  circuit_breaker: block(circuitBreaker, "When an ailing endpoint is left alone. Off by default."),
  bulkhead: block(bulkhead, "The most calls at once to one endpoint. Off by default."),
  cache: block(cache, "Keeps answers of idempotent calls. Off by default."),
  single_flight: z
    .boolean()
    .describe("Identical idempotent calls that meet share one execution; with a cache they always do. Default false.")
    .optional(),
  timeout_ms: milliseconds
    .min(1)
    .describe("Time for a whole call, waits and replays included. Default 30000.")
    .optional(),
  attempt_timeout_ms: milliseconds.describe("Time for one attempt on a session; 0 sets none. Default 0.").optional(),
  max_response_bytes: number
    .min(1024)
    .describe("Size of an answer beyond which it is refused. Default: what the provider says.")
    .optional(),
};

const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is no name of a variable");

const origin = z
  .string()
  .refine(isOrigin, { message: `must be scheme://host or scheme://host:port, nothing after it, or ${COMMAND_ORIGIN}` })
  .describe(`scheme://host or scheme://host:port; ${COMMAND_ORIGIN} for a child process.`);

function isOrigin(text: string): boolean {
  try {
    const normalised = normaliseOrigin(text);
    return normalised === COMMAND_ORIGIN || /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/?$/i.test(text);
  } catch {
    return false;
  }
}

const limits = z
  .strictObject({
    max_steps: number.min(1).describe("Evaluation steps of a program. Default 50000000."),
    max_depth: number.min(1).describe("Calls within calls. Default 10000."),
    timeout_ms: milliseconds.min(1).describe("Time for a program, its calls included. Default 60000."),
    max_collection_size: number
      .min(1)
      .describe("Items of one collection, or characters of one string. Default 10000000."),
    max_output_size: number.min(1).describe("Characters of the program's value, printed or as JSON. Default 20000000."),
    max_heap_growth: number
      .min(1_048_576)
      .describe("Bytes by which a program may let the heap grow. Default half of what the engine may use."),
  })
  .partial();

export const configSchema = z
  .strictObject({
    $schema: z.string().describe("The address of this schema, for editors.").optional(),
    capabilities: z
      .array(z.string().min(1))
      .describe("Files and folders of capability files, relative to this file.")
      .optional(),
    store: z
      .string()
      .min(1)
      .describe("Where session records outlive a process: memory, sqlite:PATH or redis://….")
      .optional(),
    ...policies,
    limits: limits
      .describe(
        "What one program may use. A configuration that was only found in the working directory can lower a limit, and raise none.",
      )
      .optional(),
    endpoints: z
      .record(z.string().min(1), z.strictObject(policies))
      .describe("Settings for the endpoints that begin with a URL; the longest one counts.")
      .optional(),
    credentials: z
      .record(variableName, z.array(origin))
      .describe("The origins a variable may be sent to. A variable named here goes nowhere else.")
      .optional(),
    providers: z
      .record(z.string().regex(/^[a-z][a-z0-9_-]*$/i, "is no name of a provider"), z.string().min(1))
      .describe("Modules that export a session handler, by provider, relative to this file.")
      .optional(),
    security: z
      .strictObject({
        level: z
          .enum(["pure", "controlled", "full"])
          .describe(
            "What may be called: nothing (pure), what allow lists (controlled), anything (full). Default: controlled where there is a list, else full.",
          ),
        allow: z
          .array(z.string().regex(/^(?:[^*]+\*?|\*)$/, "must be an id, or the beginning of ids and a * at the end"))
          .describe('The ids that may be called, such as "acme.orders" or "acme.*".'),
      })
      .partial()
      .refine(({ level, allow }) => allow === undefined || level === undefined || level === "controlled", {
        path: ["allow"],
        message: "counts only with the level controlled",
      })
      .describe(
        "What a call or a program may call. What a capability's own code calls in turn is limited by its declared effects.",
      )
      .optional(),
  })
  .describe("Configuration of CCOS: ccos.config.json.");

export type Config = z.infer<typeof configSchema>;

/** The settings there are at a path of the configuration; empty where any key is one. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = configSchema;
  for (const part of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodObject) schema = schema.shape[String(part)];
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
  }
  schema = unwrap(schema);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** What stands behind an optional setting, and behind one that may be switched off. */
function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap());
  return schema instanceof z.ZodUnion ? schema.options[0] : schema;
}

/** The published JSON Schema of the configuration file. */
export function configJsonSchema(): object {
  return { title: "CCOS configuration", ...z.toJSONSchema(configSchema, { target: "draft-2020-12", io: "input" }) };
}
