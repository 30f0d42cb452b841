import type { CCOSEnvironment } from "../environment.ts";
import type { Unsubscribe } from "../kernel/index.ts";

/** A session as the events told of it. */
export interface SessionStory {
  readonly id: string;
  readonly provider: string;
  /** How many calls of its provider had ended when it was opened. */
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
  readonly provider: string;
  /** The same among the calls of its provider. */
  readonly ordinal: number;
  readonly capabilityId: string;
  readonly ok: boolean;
  readonly durationMs: number;
  /** What became of sessions while it ran, in order, such as `reused ses_…`. */
  readonly notes: readonly string[];
}

export interface Story extends Disposable {
  /** Of one provider. */
  counts(provider: string): StoryCounts;
  sessions(provider: string): readonly SessionStory[];
}

type Counting = { -readonly [Count in keyof StoryCounts]: StoryCounts[Count] };

const NOTHING: StoryCounts = {
  firstHandshakes: 0,
  reuses: 0,
  losses: 0,
  replacements: 0,
  calls: 0,
  failedCalls: 0,
  executions: 0,
};

/** What has happened with one provider. */
interface Chapter {
  readonly counts: Counting;
  /** What became of its sessions since its last call ended. */
  notes: string[];
}

/**
 * Listens to an environment and tells each call as it ends. The calls are expected one after the other, as a program
 * makes them, of capabilities whose ids begin with the name of their provider.
 */
export function listenToStory(env: CCOSEnvironment, onCall: (call: CallStory) => void): Story {
  const sessions = new Map<string, SessionStory>();
  const chapters = new Map<string, Chapter>();
  let calls = 0;
  const chapter = (provider: string): Chapter => {
    let found = chapters.get(provider);
    if (found === undefined) chapters.set(provider, (found = { counts: { ...NOTHING }, notes: [] }));
    return found;
  };

  const listeners: Unsubscribe[] = [
    env.on("sessionOpened", ({ sessionId: id, provider, replaces, durationMs }) => {
      const { counts, notes } = chapter(provider);
      sessions.set(id, { id, provider, openedAfterCall: counts.calls, replaces, executions: 0, end: "open" });
      if (replaces === undefined) counts.firstHandshakes++;
      const took = `in ${Math.round(durationMs)} ms`;
      notes.push(replaces === undefined ? `opened ${id} ${took}` : `opened ${id} in its place ${took}`);
    }),
    env.on("sessionReused", ({ sessionId, provider }) => {
      chapter(provider).notes.push(`reused ${sessionId}`);
    }),
    env.on("sessionLost", ({ sessionId, provider }) => {
      const { counts, notes } = chapter(provider);
      counts.losses++;
      const session = sessions.get(sessionId);
      if (session !== undefined) session.end = "lost";
      notes.push(notes.length > 0 ? "which the server no longer knows" : `${sessionId} was cut off`);
    }),
    env.on("sessionReplaced", ({ provider }) => {
      chapter(provider).counts.replacements++;
    }),
    env.on("sessionClosed", ({ sessionId }) => {
      const session = sessions.get(sessionId);
      if (session?.end === "open") session.end = "closed";
    }),
    env.on("attemptEnded", ({ sessionId, provider, error }) => {
      const session = sessions.get(sessionId);
      if (error !== undefined) return;
      chapter(provider).counts.executions++;
      if (session !== undefined) session.executions++;
    }),
    env.on("callEnded", ({ capabilityId, ok, durationMs, reused }) => {
      const provider = capabilityId.replace(/\..*/, "");
      const told = chapter(provider);
      const { counts, notes } = told;
      counts.calls++;
      // Not each session handed out: one that turns out to be lost served nothing.
      if (reused === true) counts.reuses++;
      if (!ok) counts.failedCalls++;
      told.notes = [];
      onCall({ number: ++calls, provider, ordinal: counts.calls, capabilityId, ok, durationMs, notes });
    }),
  ];
  return {
    counts: (provider) => ({ ...chapter(provider).counts }),
    sessions: (provider) => [...sessions.values()].filter((session) => session.provider === provider),
    [Symbol.dispose]() {
      for (const unsubscribe of listeners) unsubscribe();
    },
  };
}
