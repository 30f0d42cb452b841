/**
 * What faults of a server cost its callers: every contender in every scenario, at 1 and at 16 in flight.
 * `npm run bench:faults`; names of contenders and ids of scenarios as arguments narrow it down.
 */
import { Child } from "./child.ts";
import { ccos, ccosDefaults, contenders, floor, peers, versionsOf, type Contender } from "./contenders/index.ts";
import type { ServerReport } from "./fault-server.ts";
import { CAP_MS, type FaultOrder, type FaultResult } from "./fault-worker.ts";
import { faultTables } from "./fault-tables.ts";
import { ensureInstalled } from "./install.ts";
import { median } from "./load.ts";
import { conditions, replaceGenerated } from "./page.ts";
import { NEW_TOKEN, OLD_TOKEN, scenarios, type InFlight, type Scenario } from "./scenarios.ts";

/** One contender in one scenario at one level of concurrency. */
export interface FaultRow {
  readonly contender: string;
  readonly scenario: Scenario;
  readonly inFlight: InFlight;
  readonly failed: number;
  readonly hung: number;
  readonly twice: number;
  readonly handshakes: number;
  readonly deletes: number;
  readonly left: number;
  /** Milliseconds from the end of the trouble to the end of the first call that began after it and succeeded. Infinity: none did. */
  readonly healMs: number | undefined;
  readonly peakRssMb: number;
  readonly errors: readonly string[];
}

async function run(contender: Contender, scenario: Scenario, inFlight: InFlight): Promise<FaultRow> {
  await using server = new Child("fault-server.ts", [], { core: "server" });
  const { url } = await server.ask<{ url: string }>({ start: scenario.id });
  await using worker = new Child("fault-worker.ts", [], { core: "client", env: { BENCH_TOKEN: OLD_TOKEN } });
  server.on<{ rotate: true }>("rotate", () => worker.send({ token: NEW_TOKEN }));
  worker.on<{ rotated: true }>("rotated", (done) => server.send(done));
  const { tool, pauseMs = 0 } = scenario;
  const order: FaultOrder = { name: contender.name, url, tool, calls: scenario.calls[inFlight], inFlight, pauseMs };
  const { good, ...result } = await worker.ask<FaultResult>(order);
  const { overAt, ...report } = await server.ask<ServerReport>({ report: true });
  return { contender: contender.name, scenario, inFlight, ...result, ...report, healMs: healing(overAt, good) };
}

function healing(overAt: readonly number[], good: FaultResult["good"]): number | undefined {
  const times = overAt.flatMap((at, index) => {
    const ends = good.filter(([startedAt]) => startedAt >= at).map(([, endedAt]) => endedAt);
    if (ends.length > 0) return [Math.min(...ends) - at];
    // After the last loss of a run there may be no call left; before that, this is a client that stays broken.
    return index === overAt.length - 1 && overAt.length > 1 ? [] : [Infinity];
  });
  return times.length === 0 ? undefined : median(times);
}

const asked = process.argv.slice(2);
const chosenContenders = [ccos, ccosDefaults, ...peers].filter(
  ({ name }) => !asked.some(isContender) || asked.includes(name),
);
const chosenScenarios = scenarios.filter(({ id }) => !asked.some(isScenario) || asked.includes(id));

function isContender(name: string): boolean {
  return contenders.some((one) => one.name === name && one !== floor);
}

function isScenario(id: string): boolean {
  return scenarios.some((one) => one.id === id);
}

ensureInstalled();
const rows: FaultRow[] = [];
for (const scenario of chosenScenarios) {
  for (const contender of chosenContenders) {
    for (const inFlight of [1, 16] as const) {
      const row = await run(contender, scenario, inFlight);
      rows.push(row);
      const { failed, hung, twice, handshakes, deletes, left, healMs, errors } = row;
      const heal = healMs === undefined ? "-" : healMs.toFixed(0);
      console.error(
        `${scenario.id} ${contender.name} c${inFlight}: failed ${failed} (hung ${hung}), twice ${twice}, handshakes ${handshakes}, deletes ${deletes}, left ${left}, heal ${heal} ms${errors[0] === undefined ? "" : `: ${errors[0].slice(0, 160)}`}`,
      );
    }
  }
}
const tables = faultTables(rows);
console.log(tables);
if (asked.length === 0) {
  const versions = [...new Set(chosenContenders.map((one) => versionsOf(one)))].join(", ");
  replaceGenerated(
    "docs/faults.md",
    `${conditions()} Versions: ${versions}. Calls are capped at ${CAP_MS / 1000} s.\n\n${tables}`,
  );
}
