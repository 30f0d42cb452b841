import type { EmbeddedServerStats } from "./embedded-server.ts";
import type { SessionStory, StoryCounts } from "./story.ts";

/** What the demo promises and a run did not keep, a sentence each. */
export function brokenPromises(counts: StoryCounts): string[] {
  const promises: [kept: boolean, text: string][] = [
    [counts.firstHandshakes === 1, `1 first handshake, not ${counts.firstHandshakes}`],
    [counts.reuses >= 5, `at least 5 reuses, not ${counts.reuses}`],
    [counts.losses === 1, `1 loss, not ${counts.losses}`],
    [counts.replacements === 1, `1 replacement, not ${counts.replacements}`],
    [counts.failedCalls === 0, `0 failed calls, not ${counts.failedCalls}`],
  ];
  return promises.filter(([kept]) => !kept).map(([, text]) => `Promised: ${text}.`);
}

/** Where the runtime's events and the server's own counts do not agree, a sentence each. */
export function contradictions(
  counts: StoryCounts,
  sessions: readonly SessionStory[],
  seen: EmbeddedServerStats,
): string[] {
  const closed = sessions.filter((session) => session.end === "closed").length;
  const pairs: [what: string, told: number | string, seen: number | string][] = [
    ["handshakes", counts.firstHandshakes + counts.replacements, seen.initializes],
    ["sessions given to calls", counts.firstHandshakes + counts.reuses + counts.replacements, seen.calls],
    ["calls executed", counts.executions, seen.calls],
    ["calls of each session", sessions.map((session) => session.executions).join(", "), seen.callsBySession.join(", ")],
    ["sessions forgotten", counts.losses, seen.forgotten],
    ["sessions closed by us", closed, seen.deletes],
    ["sessions left open", 0, seen.open],
  ];
  return pairs
    .filter(([, told, actual]) => told !== actual)
    .map(([what, told, actual]) => `The events tell of ${told} as ${what}; the server counted ${actual}.`);
}
