import type { ServiceSeen } from "./service.ts";
import type { SessionStory, StoryCounts } from "./story.ts";

/** What the demo promises of each provider and a run did not keep, a sentence each. */
export function brokenPromises(provider: string, counts: StoryCounts, leastReuses: number): string[] {
  const promises: [kept: boolean, text: string][] = [
    [counts.firstHandshakes === 1, `1 first handshake, not ${counts.firstHandshakes}`],
    [counts.reuses >= leastReuses, `at least ${leastReuses} reuses, not ${counts.reuses}`],
    [counts.losses === 1, `1 loss, not ${counts.losses}`],
    [counts.replacements === 1, `1 replacement, not ${counts.replacements}`],
    [counts.failedCalls === 0, `0 failed calls, not ${counts.failedCalls}`],
  ];
  return promises.filter(([kept]) => !kept).map(([, text]) => `Promised of ${provider}: ${text}.`);
}

/** Where the runtime's events and a service's own counts do not agree, a sentence each. */
export function contradictions(
  provider: string,
  counts: StoryCounts,
  sessions: readonly SessionStory[],
  seen: ServiceSeen,
): string[] {
  const closed = sessions.filter((session) => session.end === "closed").length;
  const calls = seen.callsBySession.reduce((sum, each) => sum + each, 0);
  const pairs: [what: string, told: number | string, seen: number | string][] = [
    ["handshakes", counts.firstHandshakes + counts.replacements, seen.opened],
    ["sessions given to calls", counts.firstHandshakes + counts.reuses + counts.replacements, calls],
    ["calls executed", counts.executions, calls],
    ["calls of each session", sessions.map((session) => session.executions).join(", "), seen.callsBySession.join(", ")],
    ["sessions forgotten", counts.losses, seen.forgotten],
    ["sessions closed by us", closed, seen.closed],
    ["sessions left open", 0, seen.open],
  ];
  return pairs
    .filter(([, told, actual]) => told !== actual)
    .map(
      ([what, told, actual]) => `The events of ${provider} tell of ${told} as ${what}; the service counted ${actual}.`,
    );
}
