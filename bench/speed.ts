/**
 * What a warm call costs, by every contender, side by side in one run. `npm run bench`; names of contenders as
 * arguments narrow it down, and then nothing is written.
 */
import { Child, canPin } from "./child.ts";
import { coldStarts } from "./cold-start.ts";
import { ccos, contenders, floor, peers, versionsOf, type Contender } from "./contenders/index.ts";
import { ensureInstalled } from "./install.ts";
import type { MemoryOrder, MemoryResult } from "./memory-worker.ts";
import { conditions, replaceGenerated } from "./page.ts";
import type { ProfileOrder, ProfileResult } from "./profile-worker.ts";
import { coldTable, memoryTable, poolsLine, profileTable, warmTables } from "./speed-tables.ts";
import type { SpeedOrder, SpeedResult } from "./speed-worker.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);
const WARMUP = 9000;
const LEVELS = [
  [1, 2000],
  [16, 4800],
  [64, 6400],
] as const;
const IDLE_SESSIONS = 200;
const POOLS = 10_000;

process.env["BENCH_TOKEN"] ??= "token-of-the-bench";
ensureInstalled();
const asked = process.argv.slice(2);
const chosen = [floor, ccos, ...peers].filter(
  ({ name }) => asked.length === 0 || name === floor.name || asked.includes(name),
);

await using server = new Child("canned-server.ts", [], { core: "server" });
const { url } = await server.next<{ url: string }>();

const warm = new Map<Contender, SpeedResult[]>(chosen.map((one) => [one, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Another order in every round, so that no contender always runs after the same one.
  const order = [...chosen.slice(round % chosen.length), ...chosen.slice(0, round % chosen.length)];
  for (const contender of order) {
    console.error(`warm calls, round ${round + 1} of ${ROUNDS}: ${contender.name}`);
    const result = await worker<SpeedOrder, SpeedResult>("speed-worker.ts", {
      name: contender.name,
      url,
      warmup: WARMUP,
      levels: LEVELS,
    });
    warm.get(contender)?.push(result);
  }
}
const tables = [warmTables(warm, floor)];

if (asked.length === 0) {
  console.error("cold starts");
  tables.push(coldTable(await coldStarts(url)));
  const memory = new Map<Contender, MemoryResult>();
  for (const contender of [ccos, ...peers]) {
    console.error(`idle sessions: ${contender.name}`);
    memory.set(
      contender,
      await worker<MemoryOrder, MemoryResult>("memory-worker.ts", {
        name: contender.name,
        url,
        sessions: IDLE_SESSIONS,
      }),
    );
  }
  console.error(`${POOLS} pools`);
  const pools = await worker<MemoryOrder, MemoryResult>("memory-worker.ts", { name: ccos.name, url, sessions: POOLS });
  tables.push(memoryTable(memory, IDLE_SESSIONS), poolsLine(pools, POOLS));
  console.error("profile");
  const profiles = [];
  for (const contender of [floor, ccos]) {
    profiles.push([
      contender.name,
      await worker<ProfileOrder, ProfileResult>("profile-worker.ts", {
        name: contender.name,
        url,
        inFlight: 16,
        calls: 30_000,
      }),
    ] as const);
  }
  tables.push(profileTable(profiles));
}

const text = tables.join("\n\n");
console.log(text);
if (asked.length === 0) {
  const versions = [...new Set(contenders.map((one) => versionsOf(one)))].join(", ");
  const pinned = canPin ? " The server has one core, the client another." : "";
  replaceGenerated(
    "docs/performance.md",
    `${conditions()}${pinned} ${ROUNDS} rounds, medians. Versions: ${versions}.\n\n${text}`,
  );
}

async function worker<Order extends object, Result>(file: string, order: Order): Promise<Result> {
  await using child = new Child(file, [], { core: "client", execArgv: ["--expose-gc"] });
  return await child.ask<Result>(order);
}
