import { oneLine, type RuntimeEvents, type Unsubscribe } from "../kernel/index.ts";
import type { Output, Style } from "./output.ts";

/** The part of an environment that tells what happens. */
export interface Telling {
  on<K extends keyof RuntimeEvents>(name: K, listener: (event: RuntimeEvents[K]) => void): Unsubscribe;
}

/** Tells the story of the sessions on stderr, a line each, as it happens. */
export function tellStory(telling: Telling, output: Output): Unsubscribe {
  const line = (style: Style, what: string, text: string): void =>
    output.note(`${output.style(style, what.padEnd(16))} ${text}`);
  const name = (id: string): string => output.style("cyan", id);
  const dim = (text: string): string => output.style("dim", text);
  const listeners = [
    telling.on("sessionRequired", (e) =>
      line(
        "bold",
        "session required",
        `${oneLine(e.capabilityId)} ${dim(`(${oneLine(e.key)} = "${oneLine(e.value)}")`)}`,
      ),
    ),
    telling.on("sessionOpening", (e) =>
      line("yellow", "opening", `${oneLine(e.provider)} session with ${oneLine(e.endpoint)}`),
    ),
    telling.on("sessionOpenFailed", (e) =>
      line("red", "not opened", `${oneLine(e.endpoint)}: ${oneLine(e.error.message)}`),
    ),
    telling.on("sessionOpened", (e) =>
      line(
        "green",
        e.resumed === true ? "resumed" : "opened",
        `${name(e.sessionId)} in ${Math.round(e.durationMs)} ms${e.description === undefined ? "" : dim(` (${oneLine(e.description)})`)}`,
      ),
    ),
    telling.on("sessionReused", (e) => line("green", "reused", name(e.sessionId))),
    telling.on("attemptStarted", (e) =>
      line(
        "blue",
        "calling",
        `${oneLine(e.operation)} on ${name(e.sessionId)}${e.attempt > 1 ? dim(` (attempt ${e.attempt})`) : ""}`,
      ),
    ),
    telling.on("callDelayed", (e) =>
      line(
        "yellow",
        "waiting",
        `for the ${e.policy} of ${oneLine(e.endpoint)}${e.waitMs === undefined ? "" : dim(` (${Math.round(e.waitMs)} ms)`)}`,
      ),
    ),
    telling.on("callRefused", (e) =>
      line(
        "red",
        "refused",
        `${oneLine(e.capabilityId)} by the ${e.policy} of ${oneLine(e.endpoint)} ${dim(`(${e.cause})`)}`,
      ),
    ),
    telling.on("retryScheduled", (e) =>
      line("yellow", "retrying", `in ${Math.round(e.delayMs)} ms after ${e.error.code}: ${oneLine(e.error.message)}`),
    ),
    telling.on("breakerChanged", (e) =>
      line(
        e.to === "closed" ? "green" : "red",
        "breaker",
        `of ${oneLine(e.endpoint)} is ${e.to} ${dim(`(was ${e.from})`)}`,
      ),
    ),
    telling.on("cacheHit", (e) =>
      line(
        "green",
        "kept answer",
        `${oneLine(e.capabilityId)} ${dim(`(${Math.round(e.ageMs)} ms old${e.stale ? ", being renewed" : ""})`)}`,
      ),
    ),
    telling.on("callShared", (e) => line("green", "shared answer", oneLine(e.capabilityId))),
    telling.on("callEnded", ({ capabilityId, events }) => {
      if (events !== undefined)
        line("blue", "streamed", `${events} ${events === 1 ? "event" : "events"} of ${oneLine(capabilityId)}`);
    }),
    telling.on("sessionLost", (e) => line("red", "lost", `${name(e.sessionId)}: ${oneLine(e.reason)}`)),
    telling.on("sessionReplaced", (e) => line("yellow", "replaced", `${name(e.replaces)} by ${name(e.sessionId)}`)),
    telling.on("sessionClosed", (e) =>
      line(
        "dim",
        "closed",
        `${name(e.sessionId)} after ${e.calls} ${e.calls === 1 ? "call" : "calls"} ${dim(`(${oneLine(e.reason)})`)}`,
      ),
    ),
  ];
  return () => {
    for (const stop of listeners) stop();
  };
}
