import type { FaultRow } from "./faults.ts";
import { table } from "./page.ts";
import type { InFlight } from "./scenarios.ts";

/** First who failed how often, then everything that was counted. */
export function faultTables(rows: readonly FaultRow[]): string {
  return `## Failed calls\n\n${summary(rows)}\n\n## Everything that was counted\n\n${details(rows)}`;
}

function summary(rows: readonly FaultRow[]): string {
  const names = unique(rows.map((row) => row.contender));
  const scenarios = unique(rows.map((row) => row.scenario));
  const body = scenarios.map((scenario) => [
    scenario.title,
    `${scenario.calls[1]} / ${scenario.calls[16]}`,
    scenario.unavoidable === undefined ? "0" : String(scenario.unavoidable),
    ...names.map((contender) => pair(rows, contender, scenario.id, (row) => String(row.failed))),
  ]);
  return table(["", "calls", "unavoidable", ...names], body);
}

function details(rows: readonly FaultRow[]): string {
  const body = unique(rows.map((row) => row.scenario)).flatMap((scenario) =>
    unique(rows.map((row) => row.contender)).map((contender, index) => {
      const cells = (of: (row: FaultRow) => string): string => pair(rows, contender, scenario.id, of);
      return [
        index === 0 ? scenario.title : "",
        contender,
        cells((row) => (row.hung > 0 ? `${row.failed} (${row.hung})` : String(row.failed))),
        cells((row) => (row.twice > 0 && scenario.tool === "read" ? `${row.twice} (harmless)` : String(row.twice))),
        cells((row) => String(row.handshakes)),
        cells((row) => String(row.deletes)),
        cells((row) => String(row.left)),
        cells(({ healMs }) =>
          healMs === undefined ? "" : Number.isFinite(healMs) ? healMs.toFixed(healMs < 10 ? 1 : 0) : "never",
        ),
        cells((row) => row.peakRssMb.toFixed(0)),
      ];
    }),
  );
  const head = [
    "",
    "",
    "failed (still waiting at the cap)",
    "run twice",
    "handshakes",
    "DELETE",
    "left open",
    "ms to heal",
    "peak MB",
  ];
  return table(head, body);
}

/** The figure at 1 and at 16 in flight. */
function pair(rows: readonly FaultRow[], contender: string, scenario: string, of: (row: FaultRow) => string): string {
  const at = (inFlight: InFlight): string => {
    const row = rows.find(
      (one) => one.contender === contender && one.scenario.id === scenario && one.inFlight === inFlight,
    );
    return row === undefined ? "" : of(row);
  };
  return `${at(1)} / ${at(16)}`;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
