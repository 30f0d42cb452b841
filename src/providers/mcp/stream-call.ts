import { randomBytes } from "node:crypto";

import {
  EventQueue,
  getOwn,
  oneLine,
  stripControls,
  type JsonObject,
  type JsonValue,
  type StreamEvent,
} from "../../kernel/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { askForLog, levelIndex } from "./log-level.ts";
import type { CallRunner, Watch } from "./run-call.ts";
import type { ServerNotification } from "./server-messages.ts";
import { streamResource } from "./stream-resource.ts";
import { callSettings } from "./target.ts";

/**
 * A call that tells of events: of a tool its progress, its log, and then its result; of a resource what it holds now
 * and whenever it has changed. Leaving the iteration ends the work at the server, also while an event is waited for.
 */
export function streamCall(
  calls: CallRunner,
  connection: Connection,
  call: SessionCall,
  context: SessionContext,
): AsyncIterableIterator<StreamEvent, undefined> {
  const leaving = new AbortController();
  const followed: SessionCall = { ...call, signal: AbortSignal.any([call.signal, leaving.signal]) };
  const { kind } = callSettings(call.target).operation;
  const follow = kind === "resource" || kind === "resource-template" ? streamResource : streamTool;
  const events = follow(calls, connection, followed, context);
  return {
    async next() {
      try {
        return await events.next();
      } catch (error) {
        // Who has left hears no more of it.
        if (leaving.signal.aborted) return { value: undefined, done: true };
        throw error;
      }
    },
    async return() {
      leaving.abort(new Error("Nobody follows the call any more."));
      await events.return(undefined).catch(() => {});
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* streamTool(
  calls: CallRunner,
  connection: Connection,
  call: SessionCall,
  context: SessionContext,
): AsyncGenerator<StreamEvent, undefined> {
  const { logLevel, maxBufferedEvents } = callSettings(call.target);
  const overflow = new AbortController();
  const queue = new EventQueue<StreamEvent>({
    what: `The call of ${JSON.stringify(call.capability.id)}`,
    limit: maxBufferedEvents,
    onLeave: () => overflow.abort(new Error("Nobody takes the events.")),
  });
  const watch: Watch = {
    progressToken: randomBytes(12).toString("base64url"),
    logLevel: await askForLog(connection, logLevel, call.signal),
    heard: (notification) => {
      const event = eventOf(notification, levelIndex(logLevel));
      if (event !== undefined) queue.push(event, notification.size);
    },
  };
  const signal = AbortSignal.any([call.signal, overflow.signal]);
  const work = calls.run(connection, { ...call, signal }, context, watch).then(
    (value) => {
      queue.push({ type: "result", value });
      queue.end();
    },
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue;
  } finally {
    overflow.abort(new Error("Nobody takes the events."));
    await work;
  }
  return undefined;
}

/** A notification of a call as an event; undefined where it is none. */
export function eventOf({ method, params }: ServerNotification, fromLevel: number): StreamEvent | undefined {
  if (method === "notifications/progress") return progressOf(params);
  return method === "notifications/message" ? logOf(params, fromLevel) : undefined;
}

function progressOf(params: JsonObject): StreamEvent | undefined {
  const [progress, total, message] = ["progress", "total", "message"].map((key) => getOwn(params, key));
  if (typeof progress !== "number") return undefined;
  return {
    type: "progress",
    progress,
    ...(typeof total === "number" && { total }),
    ...(typeof message === "string" && { message: stripControls(message) }),
  };
}

function logOf(params: JsonObject, fromLevel: number): StreamEvent | undefined {
  const level = getOwn(params, "level");
  const logger = getOwn(params, "logger");
  const value: JsonValue = getOwn(params, "data") ?? null;
  // What the server calls by another name is told rather than dropped.
  if (typeof level !== "string" || (levelIndex(level) >= 0 && levelIndex(level) < fromLevel)) return undefined;
  return {
    type: "log",
    level: oneLine(level, 40),
    ...(typeof logger === "string" && { logger: oneLine(logger, 200) }),
    value,
  };
}
