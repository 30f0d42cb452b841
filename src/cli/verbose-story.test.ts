import { expect, it } from "vitest";
import { createEmitter, createRedactor, type RuntimeEvents } from "../kernel/index.ts";
import { createOutput } from "./output.ts";
import { tellStory } from "./verbose-story.ts";

function listen(options: { isTTY?: boolean; quiet?: boolean } = {}) {
  const texts: string[] = [];
  const sink = { isTTY: options.isTTY, write: (text: string) => texts.push(text) };
  const output = createOutput({ stdout: sink, stderr: sink, env: {}, quiet: options.quiet });
  const emitter = createEmitter<RuntimeEvents>();
  const stop = tellStory(emitter, output);
  return { emitter, output, stop, text: () => texts.join("") };
}

const session = { sessionId: "ses_1", provider: "line", endpoint: "https://a.b/" };
const call = { callId: "call_1", capabilityId: "acme.get" };

function tell(emitter: ReturnType<typeof listen>["emitter"]): void {
  emitter.emit("sessionRequired", { ...call, key: "line_requires_session", value: "auto" });
  emitter.emit("sessionOpening", { provider: "line", endpoint: "https://a.b/" });
  emitter.emit("sessionOpened", { ...session, durationMs: 12.4, description: "acme 1.0" });
  emitter.emit("attemptStarted", { ...session, ...call, attempt: 1, operation: "get", waitedMs: 0 });
  emitter.emit("sessionReused", { ...session, ...call });
  emitter.emit("attemptStarted", { ...session, ...call, attempt: 2, operation: "get", waitedMs: 0 });
  emitter.emit("sessionLost", { ...session, reason: "404" });
  emitter.emit("sessionReplaced", { ...session, sessionId: "ses_2", replaces: "ses_1" });
  emitter.emit("sessionOpenFailed", {
    ...session,
    error: { code: "unavailable", message: "refused", retryable: true },
  });
  emitter.emit("sessionClosed", { ...session, sessionId: "ses_2", reason: "drained", calls: 1 });
}

it("is told a line an event, plain where there is no terminal", () => {
  const { emitter, text } = listen();
  tell(emitter);
  expect(text()).toBe(`session required acme.get (line_requires_session = "auto")
opening          line session with https://a.b/
opened           ses_1 in 12 ms (acme 1.0)
calling          get on ses_1
reused           ses_1
calling          get on ses_1 (attempt 2)
lost             ses_1: 404
replaced         ses_1 by ses_2
not opened       https://a.b/: refused
closed           ses_2 after 1 call (drained)
`);
});

it("is told how many events a streaming call gave, and nothing of other calls that end", () => {
  const { emitter, text } = listen();
  const ended = { ...call, ok: true, attempts: 1, durationMs: 5 };
  emitter.emit("callEnded", ended);
  emitter.emit("callEnded", { ...ended, events: 1 });
  emitter.emit("callEnded", { ...ended, events: 12 });
  expect(text()).toBe("streamed         1 event of acme.get\nstreamed         12 events of acme.get\n");
});

it("is told what policies do with a call", () => {
  const { emitter, text } = listen();
  const policy = { ...call, provider: "line", endpoint: "https://a.b/" };
  emitter.emit("callDelayed", { ...policy, policy: "rate-limit", waitMs: 12.4 });
  emitter.emit("retryScheduled", {
    ...policy,
    attempt: 2,
    delayMs: 99.6,
    error: { code: "unavailable", message: "refused", retryable: true },
  });
  emitter.emit("breakerChanged", {
    provider: "line",
    endpoint: "https://a.b/",
    from: "closed",
    to: "open",
    failures: 5,
  });
  emitter.emit("callRefused", { ...policy, policy: "circuit-breaker", cause: "circuit-open" });
  emitter.emit("cacheHit", { ...policy, ageMs: 1500, stale: true });
  emitter.emit("callShared", { ...policy, leaderId: "call_0" });
  expect(text()).toBe(`waiting          for the rate-limit of https://a.b/ (12 ms)
retrying         in 100 ms after unavailable: refused
breaker          of https://a.b/ is open (was closed)
refused          acme.get by the circuit-breaker of https://a.b/ (circuit-open)
kept answer      acme.get (1500 ms old, being renewed)
shared answer    acme.get
`);
});

it("is styled on a terminal", () => {
  const { emitter, text } = listen({ isTTY: true });
  emitter.emit("sessionReused", { ...session, ...call });
  expect(text()).toMatch(/\u001b\[32mreused/);
});

it("lets a server neither move the cursor, begin a line, nor show a secret", () => {
  const { emitter, output, text } = listen();
  const redactor = createRedactor();
  redactor.add("s3cret-value");
  output.guard(redactor);
  emitter.emit("sessionLost", { ...session, reason: "\u001b[2Jgone\nopened ses_9 \u202es3cret-value" });
  expect(text()).toBe("lost             ses_1: gone opened ses_9 [redacted]\n");
});

it("ends when it is told to, and --quiet tells nothing", () => {
  const { emitter, stop, text } = listen();
  stop();
  tell(emitter);
  expect(text()).toBe("");
  const quiet = listen({ quiet: true });
  tell(quiet.emitter);
  expect(quiet.text()).toBe("");
});
