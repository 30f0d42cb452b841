import type { CCOSEnvironment } from "../environment.ts";
import type { Unsubscribe } from "../kernel/index.ts";

/** A session as the events told of it. */
export interface SessionStory {
  readonly id: string;
  readonly openedAfterCall: number;
  /** The session it stands in for, where that one was lost. */
  readonly replaces: string | undefined;
  executions: number;
  end: "open" | "lost" | "closed";
}

/** What happened, counted from the runtime's events and from nothing else. */
export interface StoryCounts {
  /** Sessions opened that replace no other. */
  readonly firstHandshakes: number;
  /** Calls that ran on a session opened for an earlier one. */
  readonly reuses: number;
  readonly losses: number;
  readonly replacements: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** Executions that gave an answer. */
  readonly executions: number;
}

/** One call, told when it has ended. */
export interface CallStory {
  readonly number: number;
  readonly capabilityId: string;
  readonly ok: boolean;
  readonly durationMs: number;
  /** What became of sessions while it ran, in order, such as `reused ses_…`. */
  readonly notes: readonly string[];
}

export interface Story extends Disposable {
  counts(): StoryCounts;
  sessions(): readonly SessionStory[];
}

/**
 * Listens to an environment and tells each call as it ends. The calls are expected one after the other,
 * as a program makes them.
 */
export function listenToStory(env: CCOSEnvironment, onCall: (call: CallStory) => void): Story {
  const sessions = new Map<string, SessionStory>();
  const counts = { firstHandshakes: 0, reuses: 0, losses: 0, replacements: 0, calls: 0, failedCalls: 0, executions: 0 };
  let notes: string[] = [];

  const listeners: Unsubscribe[] = [
    env.on("callStarted", () => {
      notes = [];
    }),
    env.on("sessionOpened", ({ sessionId, replaces, durationMs }) => {
      sessions.set(sessionId, { id: sessionId, openedAfterCall: counts.calls, replaces, executions: 0, end: "open" });
      if (replaces === undefined) counts.firstHandshakes++;
      const took = `in ${Math.round(durationMs)} ms`;
      notes.push(replaces === undefined ? `opened ${sessionId} ${took}` : `opened ${sessionId} in its place ${took}`);
    }),
    env.on("sessionReused", ({ sessionId }) => {
      notes.push(`reused ${sessionId}`);
    }),
    env.on("sessionLost", ({ sessionId }) => {
      counts.losses++;
      const session = sessions.get(sessionId);
      if (session !== undefined) session.end = "lost";
      notes.push("which the server no longer knows");
    }),
    env.on("sessionReplaced", () => {
      counts.replacements++;
    }),
    env.on("sessionClosed", ({ sessionId }) => {
      const session = sessions.get(sessionId);
      if (session?.end === "open") session.end = "closed";
    }),
    env.on("attemptEnded", ({ sessionId, error }) => {
      const session = sessions.get(sessionId);
      if (error !== undefined) return;
      counts.executions++;
      if (session !== undefined) session.executions++;
    }),
    env.on("callEnded", ({ capabilityId, ok, durationMs, reused }) => {
      counts.calls++;
      // Not each session handed out: one that turns out to be lost served nothing.
      if (reused === true) counts.reuses++;
      if (!ok) counts.failedCalls++;
      onCall({ number: counts.calls, capabilityId, ok, durationMs, notes });
      notes = [];
    }),
  ];
  return {
    counts: () => ({ ...counts }),
    sessions: () => [...sessions.values()],
    [Symbol.dispose]() {
      for (const unsubscribe of listeners) unsubscribe();
    },
  };
}
