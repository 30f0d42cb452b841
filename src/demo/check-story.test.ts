import { describe, expect, it } from "vitest";
import { brokenPromises, contradictions } from "./check-story.ts";
import type { ServiceSeen } from "./service.ts";
import type { SessionStory, StoryCounts } from "./story.ts";

const counts: StoryCounts = {
  firstHandshakes: 1,
  reuses: 6,
  losses: 1,
  replacements: 1,
  calls: 8,
  failedCalls: 0,
  executions: 8,
};
const sessions: SessionStory[] = [
  { id: "a", provider: "line", openedAfterCall: 0, replaces: undefined, executions: 4, end: "lost" },
  { id: "b", provider: "line", openedAfterCall: 4, replaces: "a", executions: 4, end: "closed" },
];
const seen: ServiceSeen = { opened: 2, closed: 1, forgotten: 1, callsBySession: [4, 4], open: 0 };

describe("the check of the story", () => {
  it("finds nothing where everything went as promised", () => {
    expect(brokenPromises("line", counts, 5)).toEqual([]);
    expect(contradictions("line", counts, sessions, seen)).toEqual([]);
  });

  it.each([
    [{ firstHandshakes: 2 }, "Promised of line: 1 first handshake, not 2."],
    [{ reuses: 4 }, "Promised of line: at least 5 reuses, not 4."],
    [{ losses: 0 }, "Promised of line: 1 loss, not 0."],
    [{ replacements: 2 }, "Promised of line: 1 replacement, not 2."],
    [{ failedCalls: 1 }, "Promised of line: 0 failed calls, not 1."],
  ])("names a promise that was not kept: %j", (change, sentence) => {
    expect(brokenPromises("line", { ...counts, ...change }, 5)).toEqual([sentence]);
  });

  it.each([
    [{ opened: 3 }, "handshakes"],
    [{ callsBySession: [5, 3] }, "calls of each session"],
    [{ forgotten: 2 }, "sessions forgotten"],
    [{ closed: 0 }, "sessions closed by us"],
    [{ open: 1 }, "sessions left open"],
  ])("names what the server counted otherwise: %j", (change, what) => {
    const problems = contradictions("line", counts, sessions, { ...seen, ...change });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(what);
  });

  it("notices a call that ran twice", () => {
    const problems = contradictions("line", counts, sessions, { ...seen, callsBySession: [4, 5] });
    expect(problems.join("\n")).toContain("The events of line tell of 8 as calls executed; the service counted 9.");
  });
});
