import type { ColdStart } from "./cold-start.ts";
import type { Contender } from "./contenders/index.ts";
import { median } from "./load.ts";
import type { MemoryResult } from "./memory-worker.ts";
import { table } from "./page.ts";
import type { ProfileResult } from "./profile-worker.ts";
import type { LevelResult, SpeedResult } from "./speed-worker.ts";

type Warm = ReadonlyMap<Contender, readonly SpeedResult[]>;
type Measure = (level: LevelResult) => number;

/** One table a level. A ratio is the median of the rounds' ratios, each to the floor of its own round. */
export function warmTables(warm: Warm, floor: Contender): string {
  const base = warm.get(floor) ?? [];
  const levels = base[0]?.levels.map(({ inFlight }) => inFlight) ?? [];
  return levels
    .map((inFlight, index) => {
      const rows = [...warm].map(([contender, rounds]) => {
        const at = (round: SpeedResult | undefined): LevelResult => round?.levels[index] as LevelResult;
        const middle = (of: Measure): number => median(rounds.map((round) => of(at(round))));
        const ratio = (of: Measure): string =>
          median(rounds.map((round, number) => of(at(round)) / of(at(base[number])))).toFixed(2);
        return [
          contender.name,
          middle((level) => level.p50Ms).toFixed(2),
          ratio((level) => level.p50Ms),
          middle((level) => level.p99Ms).toFixed(1),
          middle((level) => level.callsPerSecond).toFixed(0),
          ratio((level) => level.callsPerSecond),
          middle((level) => level.cpuMicros).toFixed(0),
          ratio((level) => level.cpuMicros),
        ];
      });
      const head = ["", "p50 ms", "× floor", "p99 ms", "calls/s", "× floor", "CPU µs/call", "× floor"];
      return `### ${inFlight} in flight\n\n${table(head, rows)}`;
    })
    .join("\n\n");
}

export function coldTable(starts: readonly ColdStart[]): string {
  const reference = starts.find(({ command }) => command.startsWith("mcporter"))?.medianMs ?? Number.NaN;
  const rows = starts.map(({ command, medianMs }) => [
    `\`${command}\``,
    medianMs.toFixed(0),
    (medianMs / reference).toFixed(2),
  ]);
  return `### Cold start\n\nOne whole process that calls one tool once.\n\n${table(["", "ms", "× mcporter"], rows)}`;
}

export function memoryTable(memory: ReadonlyMap<Contender, MemoryResult>, sessions: number): string {
  const rows = [...memory].map(([contender, result]) => [
    contender.name,
    (result.heapBytes / 1024).toFixed(1),
    (result.rssBytes / 1024).toFixed(0),
    (result.openMs / sessions).toFixed(1),
  ]);
  const head = ["", "heap KiB", "RSS KiB", "ms to open and call once"];
  return `### An idle session\n\nEach of ${sessions}, after one call. For ccos they are the sessions of ${sessions} callers of one environment, for the others ${sessions} clients.\n\n${table(head, rows)}`;
}

export function poolsLine(pools: MemoryResult, count: number): string {
  const { heapBytes, openMs, closeMs, p50Ms } = pools;
  return `### ${count.toLocaleString("en")} pools\n\nAs many callers, a pool and a session each: opened and called once in ${(openMs / 1000).toFixed(1)} s, ${(heapBytes / 1024).toFixed(1)} KiB of heap each; a call on any of them then takes ${p50Ms.toFixed(2)} ms (p50); closing them all, with a DELETE each, takes ${(closeMs / 1000).toFixed(1)} s.`;
}

export function profileTable(profiles: readonly (readonly [name: string, result: ProfileResult])[]): string {
  const names = [...new Set(profiles.flatMap(([, { parts }]) => parts.map(([part]) => part)))];
  const of = (result: ProfileResult, part: string): number => result.parts.find(([name]) => name === part)?.[1] ?? 0;
  const most = (part: string): number => Math.max(...profiles.map(([, result]) => of(result, part)));
  const shown = names.filter((part) => most(part) >= 0.5).toSorted((a, b) => most(b) - most(a));
  const rows = shown.map((part) => [part, ...profiles.map(([, result]) => of(result, part).toFixed(1))]);
  const total = [
    "all of it",
    ...profiles.map(([, { parts }]) => parts.reduce((sum, [, micros]) => sum + micros, 0).toFixed(1)),
  ];
  return `### Where the time goes\n\nA CPU profile of warm calls, 16 in flight: microseconds a call, by whose code was running.\n\n${table(["", ...profiles.map(([name]) => name)], [...rows, total])}`;
}
