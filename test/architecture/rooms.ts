/**
 * The rooms of `src/` and who may import whom. The lint configuration and the architecture test both read
 * this table and nothing else, so that they cannot drift apart.
 */
export interface Room {
  /** Rooms whose door (`index.ts`) it may import. */
  readonly doors: readonly string[];
  /** Single contract files it may import although their room is closed to it, or without passing the door. */
  readonly contracts?: readonly string[];
  /** Packages it may import; absent: any. Node's own modules are always allowed. */
  readonly packages?: readonly string[];
}

/** Files that hold a contract and no implementation of it; they may be imported without passing their room's door. */
export const CONTRACTS = [
  "capability/call.ts",
  "capability/manifest.ts",
  "policies/compose.ts",
  "policies/policy.ts",
  "policies/policy-settings.ts",
  "policies/settings.ts",
  "providers/graphql/traits.ts",
  "providers/grpc/traits.ts",
  "providers/mcp/traits.ts",
  "providers/openapi/traits.ts",
  "providers/websocket/traits.ts",
  "session/handler.ts",
  "stores/store.ts",
] as const;

/** The rooms that know no provider: no provider's name may occur in them, in any case. */
export const CORE = ["kernel", "rtfs", "capability", "session", "policies", "stores"] as const;

export const PROVIDER_NAMES = ["mcp", "graphql", "grpc", "openapi", "websocket"] as const;

const EVERYTHING_BELOW = [
  "kernel",
  "rtfs",
  "policies",
  "stores",
  "config",
  "telemetry",
  "audit",
  "capability",
  "session",
  "http",
  "providers/*",
  "importers",
  "doctor",
];

/** A room is a folder of `src/`, or a file that stands in `src/` itself. `x/*`: each folder of `x` is a room of its own. */
export const ROOMS: Readonly<Record<string, Room>> = {
  kernel: { doors: [], packages: [] },
  rtfs: { doors: ["kernel"], packages: ["re2js"] },
  stores: { doors: ["kernel"] },
  policies: { doors: ["kernel"], contracts: ["stores/store.ts"] },
  config: { doors: ["kernel"] },
  telemetry: { doors: ["kernel"], contracts: ["stores/store.ts"], packages: ["@opentelemetry/api"] },
  audit: { doors: ["kernel"], contracts: ["stores/store.ts"] },
  capability: { doors: ["rtfs", "kernel"] },
  session: {
    doors: ["kernel"],
    contracts: [
      "capability/call.ts",
      "capability/manifest.ts",
      "policies/compose.ts",
      "policies/policy.ts",
      "policies/policy-settings.ts",
      "policies/settings.ts",
      "stores/store.ts",
    ],
    packages: [],
  },
  // What providers that speak HTTP share; it knows none of them.
  http: { doors: ["kernel"], contracts: ["session/handler.ts"] },
  "providers/*": {
    doors: ["kernel", "http"],
    contracts: ["session/handler.ts", "capability/call.ts", "capability/manifest.ts"],
  },
  importers: {
    doors: ["capability", "rtfs", "kernel", "http", "providers/*"],
    contracts: ["session/handler.ts", "capability/manifest.ts"],
  },
  doctor: { doors: ["session", "kernel"], contracts: ["capability/manifest.ts"], packages: [] },
  "built-in-handlers.ts": { doors: ["session", "providers/*"] },
  "check-capabilities.ts": { doors: ["built-in-handlers.ts", "capability", "config", "session", "kernel"] },
  "program-limits.ts": { doors: ["config", "rtfs"] },
  "environment-contract.ts": { doors: EVERYTHING_BELOW, contracts: CONTRACTS },
  "environment.ts": {
    doors: [
      ...EVERYTHING_BELOW,
      "environment-contract.ts",
      "built-in-handlers.ts",
      "check-capabilities.ts",
      "program-limits.ts",
    ],
    contracts: CONTRACTS,
  },
  demo: { doors: ["environment.ts", "rtfs", "kernel"] },
  gateway: {
    doors: ["environment.ts", "importers", "rtfs", "config", "kernel"],
    contracts: ["capability/call.ts", "capability/manifest.ts"],
  },
  cli: {
    doors: ["environment.ts", "importers", "doctor", "rtfs", "config", "kernel", "demo", "gateway"],
    contracts: ["capability/call.ts", "capability/manifest.ts"],
  },
  "index.ts": { doors: [...EVERYTHING_BELOW, "environment.ts"], contracts: CONTRACTS },
};

/** The room of a path relative to `src/`: `providers/line/open.ts` is in `providers/line`. */
export function roomOf(path: string): string {
  const parts = path.split("/");
  if (parts.length === 1) return path;
  return `${parts[0]}/*` in ROOMS && parts.length > 2 ? `${parts[0]}/${parts[1]}` : (parts[0] as string);
}

/** The row of the table for a room, `providers/line` included. */
export function rulesOf(room: string): Room | undefined {
  return ROOMS[room] ?? ROOMS[`${room.split("/")[0]}/*`];
}

/** Whether a file of room `from` may import the file `target` (both relative to `src/`); if not, why. */
export function refusal(from: string, target: string): string | undefined {
  const to = roomOf(target);
  if (to === from) return undefined;
  const rules = rulesOf(from);
  if (rules === undefined) return `the room ${from} is not in the table of rooms`;
  if (rules.contracts?.includes(target)) return undefined;
  const isOpen = rules.doors.includes(to) || (to.includes("/") && rules.doors.includes(`${to.split("/")[0]}/*`));
  if (!isOpen) return `${from} may not import ${to}`;
  const isContract = (CONTRACTS as readonly string[]).includes(target);
  if (target !== to && target !== `${to}/index.ts` && !isContract) return `${to} is entered only by its index.ts`;
  return undefined;
}
