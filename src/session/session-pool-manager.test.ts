import { describe, expect, test } from "vitest";
import { reportOf } from "../capability/call.ts";
import { CcosError } from "../kernel/index.ts";
import { createManagerRig } from "../../testing/manager-rig.ts";
import { createScriptedHandler } from "../../testing/scripted-handler.ts";

describe("provider detection", () => {
  test("the prefix of the key that says true or auto is the provider", () => {
    const { manager } = createManagerRig();
    expect(manager.detectProvider({ acme_requires_session: "true", acme_endpoint: "x" })?.provider).toBe("acme");
    expect(manager.detectProvider({ my_line_requires_session: "auto" })).toEqual({
      provider: "my_line",
      key: "my_line_requires_session",
      value: "auto",
    });
  });

  test("no key, another value, or a key without a prefix asks for no session", () => {
    const { manager } = createManagerRig();
    expect(manager.detectProvider({ acme_endpoint: "x" })).toBeUndefined();
    expect(manager.detectProvider({ acme_requires_session: "false" })).toBeUndefined();
    expect(manager.detectProvider({ _requires_session: "true" })).toBeUndefined();
  });
});

describe("handler registration and routing", () => {
  test("a call goes to the handler registered for its provider", async () => {
    const rig = createManagerRig();
    const acme = createScriptedHandler(rig.clock, "acme");
    rig.manager.registerHandler(acme.handler);
    expect(rig.manager.providers()).toEqual(["acme", "line"]);
    await rig.call(rig.capability("acme.a", { provider: "acme" }));
    expect(acme.executed).toHaveLength(1);
    expect(rig.executed).toHaveLength(0);
  });

  test("a handler may be replaced until its provider has sessions", async () => {
    const rig = createManagerRig();
    const other = createScriptedHandler(rig.clock);
    rig.manager.registerHandler(other.handler);
    await rig.call(rig.capability("line.a"));
    expect(other.executed).toHaveLength(1);
    expect(() => rig.manager.registerHandler(rig.handler)).toThrow('provider "line" has sessions already');
  });
});

describe("missing handler", () => {
  test("the error names the provider and those that are registered", async () => {
    const rig = createManagerRig();
    const call = rig.call(rig.capability("lime.a", { provider: "lime" }));
    await expect(call).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("Registered: line."),
    });
    await expect(call).rejects.toMatchObject({ remedy: 'Did you mean "line"?' });
  });
});

describe("reuse", () => {
  test("capabilities of one endpoint and identity share one session", async () => {
    const rig = createManagerRig();
    const first = await rig.call(rig.capability("line.a"), { n: 1 });
    const second = await rig.call(rig.capability("line.b"), { n: 2 });
    expect(first.session).toMatchObject({ provider: "line", reused: false });
    expect(second.session).toEqual({ ...first.session, reused: true });
    expect(rig.counts.openings).toBe(1);
    expect(rig.countOf("sessionReused")).toBe(1);
  });

  test("other endpoints have sessions of their own", async () => {
    const rig = createManagerRig();
    await rig.call(rig.capability("line.a"));
    await rig.call(rig.capability("line.b", { endpoint: "line://other" }));
    expect(rig.counts.openings).toBe(2);
  });

  test("a hundred first calls at once open one session", async () => {
    const rig = createManagerRig();
    rig.dials.openDelayMs = 50;
    const capability = rig.capability("line.a", { session: { max_in_flight: 200 } });
    const calls = Array.from({ length: 100 }, () => rig.call(capability));
    await rig.clock.advance(50);
    const outcomes = await Promise.all(calls);
    expect(rig.counts.openings).toBe(1);
    expect(outcomes.every((outcome) => outcome.session?.reused === false)).toBe(true);
  });

  test("the scope decides who meets: callers apart, capabilities apart", async () => {
    const rig = createManagerRig();
    const perCaller = rig.capability("line.a", { session: { scope: "caller" } });
    await rig.call(perCaller, {}, { caller: { id: "x" } });
    await rig.call(perCaller, {}, { caller: { id: "y" } });
    await rig.call(perCaller, {}, { caller: { id: "x" } });
    expect(rig.counts.openings).toBe(2);
    const scope = { session: { scope: "capability" } };
    await rig.call(rig.capability("line.b", scope));
    await rig.call(rig.capability("line.c", scope));
    expect(rig.counts.openings).toBe(4);
  });

  test("a session that carries credentials cannot be shared by everybody", async () => {
    const rig = createManagerRig();
    rig.env["TOKEN"] = "secret-1";
    const shared = rig.capability("line.a", { authEnvVar: "TOKEN", session: { scope: "shared" } });
    await expect(rig.call(shared)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(rig.counts.openings).toBe(0);
  });

  test("a block that requires no session opens one for each call and ends it", async () => {
    const rig = createManagerRig();
    const single = rig.capability("line.a", { requiresSession: "false" });
    await rig.call(single);
    const second = await rig.call(single);
    await rig.clock.settle();
    expect(second.session?.reused).toBe(false);
    expect(rig.counts).toMatchObject({ openings: 2, terminated: 2 });
    expect(rig.countOf("sessionRequired")).toBe(0);
    expect(rig.manager.list()).toEqual([]);
  });
});

describe("isolation", () => {
  test("two identities never meet on a session, however their calls interleave", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { authEnvVar: "TOKEN" });
    const calls = Array.from({ length: 100 }, (_, n) => {
      const token = n % 2 === 0 ? "token-of-alice" : "token-of-bob";
      return rig.call(capability, { n, token }, { caller: { id: token, credentials: { TOKEN: token } } });
    });
    await Promise.all(calls);
    expect(rig.executed).toHaveLength(100);
    for (const call of rig.executed) expect(call.identity).toBe((call.input as { token: string }).token);
    expect(new Set(rig.executed.map((call) => `${call.session} ${call.identity}`)).size).toBe(2);
  });

  test("a rotated secret is used at the very next call, on a session of its own", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { authEnvVar: "TOKEN" });
    rig.env["TOKEN"] = "first-secret";
    await rig.call(capability);
    rig.env["TOKEN"] = "second-secret";
    await rig.call(capability);
    expect(rig.executed.map((call) => call.identity)).toEqual(["first-secret", "second-secret"]);
    expect(rig.counts.openings).toBe(2);
  });

  test("neither events nor the list of sessions contain a secret", async () => {
    const rig = createManagerRig();
    rig.env["TOKEN"] = "canary-4f1c9a";
    await rig.call(rig.capability("line.a", { authEnvVar: "TOKEN" }));
    rig.forgetAll();
    await rig.call(rig.capability("line.a", { authEnvVar: "TOKEN" }));
    expect(JSON.stringify([rig.events, rig.manager.list()])).not.toContain("canary");
    expect(rig.manager.list()[0]?.identity).toMatch(/^[\w-]{22}$/);
  });
});

test("what a peer says of itself at the handshake quotes no secret", async () => {
  const rig = createManagerRig();
  rig.redactor.add("canary-51d0c2");
  const acme = createScriptedHandler(rig.clock, "acme");
  const initializeSession: typeof acme.handler.initializeSession = async (target, context) => ({
    ...(await acme.handler.initializeSession(target, context)),
    description: "a peer that was sent canary-51d0c2",
  });
  rig.manager.registerHandler({ ...acme.handler, initializeSession });
  await rig.call(rig.capability("acme.a", { provider: "acme" }));
  const opened = rig.events.find(({ name }) => name === "sessionOpened");
  expect(opened?.event).toMatchObject({ description: "a peer that was sent [redacted]" });
});

test("what a peer quotes of a secret does not reach the caller", async () => {
  const rig = createManagerRig();
  rig.env["TOKEN"] = "canary-77aa21";
  rig.redactor.add("canary-77aa21");
  rig.dials.callFailure = () =>
    new CcosError("rejected", "canary-77aa21 is no valid token", { details: { quoted: "token canary-77aa21" } });
  const error = await rig.call(rig.capability("line.a", { authEnvVar: "TOKEN" })).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: "rejected", message: "[redacted] is no valid token" });
  expect(JSON.stringify([error, rig.events])).not.toContain("canary");
});

describe("a handler that is loaded when it is needed", () => {
  test("is known before, and loaded once", async () => {
    const rig = createManagerRig();
    const acme = createScriptedHandler(rig.clock, "acme");
    let loads = 0;
    rig.manager.registerLoader("acme", async () => ((loads += 1), acme.handler));
    expect(rig.manager.providers()).toEqual(["acme", "line"]);
    expect(rig.manager.manifestTraits("acme")).toEqual({});
    const capability = rig.capability("acme.a", { provider: "acme" });
    expect(loads).toBe(0);
    await rig.call(capability);
    await rig.call(capability);
    expect(loads).toBe(1);
    expect(acme.counts.openings).toBe(1);
  });

  test.each([
    ["nothing", undefined],
    ["something else", { provider: "acme", hello: "world" }],
  ])("where %s was loaded, the call fails and says what to export", async (_what, loaded) => {
    const rig = createManagerRig();
    rig.manager.registerLoader("acme", () => Promise.resolve(loaded));
    const call = rig.call(rig.capability("acme.a", { provider: "acme" }));
    await expect(call).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: /Export a handler whose provider is "acme"/,
    });
  });

  test("that fails to load fails the call, and is tried again at the next", async () => {
    const rig = createManagerRig();
    const acme = createScriptedHandler(rig.clock, "acme");
    let broken = true;
    rig.manager.registerLoader("acme", () =>
      broken ? Promise.reject(new CcosError("not-found", "no such module")) : Promise.resolve(acme.handler),
    );
    const capability = rig.capability("acme.a", { provider: "acme" });
    await expect(rig.call(capability)).rejects.toMatchObject({ code: "not-found" });
    broken = false;
    expect((await rig.call(capability)).attempts).toBe(1);
  });
});

describe("limits", () => {
  test("no session carries more calls than allowed, and all are served in the end", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 10;
    const capability = rig.capability("line.a", { session: { max_sessions: 2, max_in_flight: 3 } });
    const calls = Array.from({ length: 20 }, (_, n) => rig.call(capability, n));
    await rig.clock.advance(1000);
    await Promise.all(calls);
    expect(rig.mostInFlight).toBe(3);
    expect(rig.counts.openings).toBe(2);
  });

  test("what the handshake says limits a session further", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 10;
    rig.dials.maxInFlight = 2;
    const calls = Array.from({ length: 6 }, () => rig.call(rig.capability("line.a")));
    await rig.clock.advance(1000);
    await Promise.all(calls);
    expect(rig.mostInFlight).toBe(2);
  });

  test("callers are served in the order in which they came", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 10;
    const capability = rig.capability("line.a", { session: { max_in_flight: 1 } });
    const calls = [1, 2, 3, 4, 5].map((n) => rig.call(capability, n));
    await rig.clock.advance(100);
    await Promise.all(calls);
    expect(rig.executed.map((call) => call.input)).toEqual([1, 2, 3, 4, 5]);
  });

  test("waiting for a session ends at the acquire timeout, with the counts", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 60_000;
    const capability = rig.capability("line.a", { session: { max_in_flight: 1, acquire_timeout_ms: 500 } });
    const running = rig.call(capability);
    await rig.clock.settle();
    const waiting = rig.call(capability);
    const refused = expect(waiting).rejects.toMatchObject({ code: "acquire-timeout", details: { open: 1, active: 1 } });
    const ended = expect(running).rejects.toMatchObject({ code: "deadline-exceeded" });
    await rig.clock.advance(500);
    await refused;
    await rig.clock.advance(60_000);
    await ended;
  });

  test("more waiters than allowed are refused at once", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 10;
    const capability = rig.capability("line.a", { session: { max_in_flight: 1, max_waiters: 1 } });
    const first = rig.call(capability);
    await rig.clock.settle();
    const second = rig.call(capability);
    await expect(rig.call(capability)).rejects.toMatchObject({ code: "acquire-timeout", message: /max_waiters 1/ });
    await rig.clock.advance(20);
    await Promise.all([first, second]);
  });

  test("settings out of range and unknown settings are refused with the remedy", async () => {
    const rig = createManagerRig();
    await expect(rig.call(rig.capability("line.a", { session: { max_sessions: 0 } }))).rejects.toMatchObject({
      code: "invalid-argument",
      message: "The session setting :max_sessions (capability) must be a whole number of at least 1, not 0.",
    });
    await expect(rig.call(rig.capability("line.b", { session: { max_sesions: 1 } }))).rejects.toMatchObject({
      remedy: 'Did you mean "max_sessions"?',
    });
  });
});

describe("lifetimes", () => {
  test("a session that nobody uses is ended after its idle time, and not while it is used", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { session: { idle_timeout_ms: 1_000 } });
    await rig.call(capability);
    await rig.clock.advance(900);
    await rig.call(capability);
    await rig.clock.advance(999);
    expect(rig.counts.terminated).toBe(0);
    await rig.clock.advance(1);
    expect(rig.counts.terminated).toBe(1);
    expect(rig.events.at(-1)).toMatchObject({ name: "sessionClosed", event: { reason: "idle too long", calls: 2 } });
    expect(rig.clock.pendingTimers).toBe(0);
  });

  test("a session is retired at its age, a little earlier by chance", async () => {
    const ages = new Set<number>();
    for (const seed of [1, 2, 3]) {
      const rig = createManagerRig({ seed });
      await rig.call(rig.capability("line.a", { session: { max_lifetime_ms: 1_000 } }));
      await rig.clock.advance(974);
      expect(rig.counts.terminated).toBe(0);
      while (rig.counts.terminated === 0) await rig.clock.advance(0.5);
      ages.add(rig.clock.monotonic());
      expect(rig.clock.monotonic()).toBeLessThanOrEqual(1_000);
      expect(rig.clock.pendingTimers).toBe(0);
    }
    expect(ages.size).toBeGreaterThan(1);
  });

  test("one that is in use gets a successor before its end: no call waits, and none is broken", async () => {
    const rig = createManagerRig();
    rig.dials.openDelayMs = 50;
    rig.dials.callDelayMs = 30;
    const capability = rig.capability("line.a", { session: { max_lifetime_ms: 1_000 } });
    const first = rig.call(capability);
    await rig.clock.advance(100);
    await first;
    const slow: number[] = [];
    for (let n = 0; n < 60; n++) {
      const startedAt = rig.clock.monotonic();
      const call = rig.call(capability);
      while (rig.clock.monotonic() < startedAt + 30) await rig.clock.advance(10);
      const { session } = await call;
      if (rig.clock.monotonic() - startedAt > 30 || session?.reused === false) slow.push(n);
    }
    expect(slow).toEqual([]);
    expect(rig.counts.openings).toBe(3);
    expect(rig.countOf("sessionLost")).toBe(0);
    await rig.manager.close();
    expect(rig.counts.terminated).toBe(3);
  });

  test("where no successor can be opened, it serves to its end", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { session: { max_lifetime_ms: 10_000 } });
    await rig.call(capability);
    rig.dials.openFailure = () => new Error("refused");
    for (let n = 0; n < 9; n++) {
      await rig.clock.advance(1_000);
      expect((await rig.call(capability)).session?.reused).toBe(true);
    }
    expect(rig.counts.failed).toBeGreaterThan(0);
    rig.dials.openFailure = () => undefined;
    await rig.clock.advance(10_000);
    expect((await rig.call(capability)).session?.reused).toBe(false);
  });

  test("credentials that end with a session are renewed once, before its successor is opened", async () => {
    const rig = createManagerRig();
    const trail: string[] = [];
    const open = rig.handler.initializeSession;
    rig.handler.initializeSession = async (target, context) => {
      trail.push("open");
      return { ...(await open(target, context)), expiresAt: rig.clock.now() + 10_000 };
    };
    rig.dials.renew = async () => (trail.push("renew"), true);
    const capability = rig.capability("line.a");
    for (let n = 0; n < 10; n++) {
      await rig.call(capability);
      await rig.clock.advance(1_000);
    }
    expect(trail).toEqual(["open", "renew", "open"]);
    expect(rig.countOf("sessionLost")).toBe(0);
  });

  test("a session leaves when the expiry its peer named has come", async () => {
    const rig = createManagerRig();
    const open = rig.handler.initializeSession;
    rig.handler.initializeSession = async (target, context) => ({
      ...(await open(target, context)),
      expiresAt: rig.clock.now() + 5_000,
    });
    await rig.call(rig.capability("line.a"));
    await rig.clock.advance(5_000);
    expect((await rig.call(rig.capability("line.a"))).session?.reused).toBe(false);
    expect(rig.counts.openings).toBe(2);
  });
});

test("ever new identities leave nothing behind once their sessions have ended", async () => {
  const rig = createManagerRig();
  const capability = rig.capability("line.a", { authEnvVar: "TOKEN", session: { max_sessions_per_endpoint: 2 } });
  for (let n = 0; n < 2_500; n++) {
    await rig.call(capability, n, { caller: { id: `${n}`, credentials: { TOKEN: `token-${n}` } } });
  }
  expect(rig.executed).toHaveLength(2_500);
  expect(rig.manager.poolCount).toBeLessThanOrEqual(1_500);
  await rig.manager.close();
});

describe("spares", () => {
  test("are opened once the pool is in use, kept, and opened again when they are taken", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 100;
    const capability = rig.capability("line.a", {
      session: { max_sessions: 4, max_in_flight: 1, min_idle: 2, idle_timeout_ms: 1_000 },
    });
    const first = rig.call(capability);
    await rig.clock.settle();
    expect(rig.counts.openings).toBe(3);
    const more = [rig.call(capability), rig.call(capability)];
    await rig.clock.settle();
    expect(rig.counts.openings).toBe(4);
    await rig.clock.advance(100);
    await Promise.all([first, ...more]);
    await rig.clock.advance(10_000);
    expect(rig.manager.list()).toHaveLength(2);
  });

  test("that cannot be opened disturb nobody", async () => {
    const rig = createManagerRig();
    rig.dials.openFailure = (count) => (count > 1 ? new Error("refused") : undefined);
    const capability = rig.capability("line.a", { session: { max_sessions: 2, min_idle: 2 } });
    await rig.call(capability);
    await rig.clock.advance(1_000);
    expect((await rig.call(capability)).session?.reused).toBe(true);
    await rig.manager.close();
    expect(rig.clock.pendingTimers).toBe(0);
  });
});

describe("validation", () => {
  const idle = { session: { validate_after_idle_ms: 1_000 } };

  test("a session unused for long is asked before a call gets it, and only then", async () => {
    const rig = createManagerRig();
    let probes = 0;
    rig.handler.probe = async () => ((probes += 1), true);
    await rig.call(rig.capability("line.a", idle));
    await rig.clock.advance(999);
    await rig.call(rig.capability("line.a", idle));
    expect(probes).toBe(0);
    await rig.clock.advance(1_000);
    const outcomes = await Promise.all([1, 2, 3].map((n) => rig.call(rig.capability("line.a", idle), n)));
    expect(probes).toBe(1);
    expect(outcomes.every((outcome) => outcome.session?.reused === true && outcome.attempts === 1)).toBe(true);
  });

  test.each([
    ["says no", async () => false],
    ["fails to be asked", async () => Promise.reject(new Error("reset"))],
    ["does not answer", () => new Promise<boolean>(() => {})],
  ])("one that %s is replaced, and the call does not notice", async (_how, probe) => {
    const rig = createManagerRig();
    rig.handler.probe = probe;
    await rig.call(rig.capability("line.a", idle));
    await rig.clock.advance(1_000);
    const call = rig.call(rig.capability("line.a", idle));
    await rig.clock.advance(5_000);
    expect(await call).toMatchObject({ attempts: 1, session: { reused: false } });
    expect(rig.countOf("sessionReplaced")).toBe(1);
  });

  test("after the machine slept, every session is asked before use", async () => {
    const rig = createManagerRig();
    let probes = 0;
    rig.handler.probe = async () => ((probes += 1), true);
    await rig.call(rig.capability("line.a"));
    rig.clock.jumpWall(60_000);
    await rig.call(rig.capability("line.a"));
    expect(probes).toBe(1);
    await rig.call(rig.capability("line.a"));
    expect(probes).toBe(1);
  });

  test("closing while a session is asked waits for nothing but its end", async () => {
    const rig = createManagerRig();
    rig.handler.probe = () => new Promise<boolean>(() => {});
    await rig.call(rig.capability("line.a", idle));
    await rig.clock.advance(1_000);
    const refused = expect(rig.call(rig.capability("line.a", idle))).rejects.toMatchObject({ code: "pool-closed" });
    await rig.manager.close();
    await refused;
    expect(rig.counts.terminated).toBe(1);
  });
});

test("a lease that never comes back is reported with its holder and taken back, and its session is ended", async () => {
  const rig = createManagerRig();
  rig.handler.executeWithSession = () => new Promise<never>(() => {});
  const capability = rig.capability("line.a", { session: { lease_timeout_ms: 60_000 } });
  void rig.call(capability, {}, { timeoutMs: Infinity }).catch(() => {});
  await rig.clock.advance(60_000);
  expect(rig.events.find((entry) => entry.name === "leaseReclaimed")?.event).toMatchObject({
    holder: expect.stringMatching(/^c_/) as string,
    heldMs: 60_000,
  });
  expect(rig.counts.terminated).toBe(1);
  expect(rig.manager.list()).toEqual([]);
});

describe("a secret that was changed", () => {
  test("lets the sessions of the old one end when their calls have, and fails no call", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 100;
    const capability = rig.capability("line.a", { authEnvVar: "TOKEN" });
    rig.env["TOKEN"] = "first-secret";
    const running = rig.call(capability);
    await rig.clock.advance(50);
    rig.env["TOKEN"] = "second-secret";
    const next = rig.call(capability);
    await rig.clock.advance(49);
    expect(rig.counts.terminated).toBe(0);
    await rig.clock.advance(200);
    expect((await running).attempts).toBe(1);
    expect((await next).attempts).toBe(1);
    expect(rig.counts).toMatchObject({ opened: 2, terminated: 1 });
    expect(rig.manager.list()).toHaveLength(1);
  });
});

test("all sessions of the process together have a limit, too", async () => {
  const rig = createManagerRig({ sessionDefaults: { max_sessions_total: 2 } });
  for (const endpoint of ["line://one", "line://two", "line://three"]) {
    await rig.call(rig.capability("line.a", { endpoint }));
    await rig.clock.advance(1);
  }
  expect(rig.manager.list().map((session) => session.endpoint)).toEqual(["line://two", "line://three"]);
});

describe("sessions of one endpoint, all identities together", () => {
  const as = (token: string) => ({ caller: { id: token, credentials: { TOKEN: token } } });

  test("an unused session of one identity makes room for another identity", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { authEnvVar: "TOKEN", session: { max_sessions_per_endpoint: 2 } });
    for (const token of ["token-1", "token-2", "token-3"]) {
      await rig.call(capability, token, as(token));
      await rig.clock.advance(1);
    }
    expect(rig.executed.map((call) => call.identity)).toEqual(["token-1", "token-2", "token-3"]);
    expect(rig.manager.list()).toHaveLength(2);
    expect([...rig.alive]).toEqual([2, 3]);
  });

  test("where all are in use, the next identity waits until one ends", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 100;
    const capability = rig.capability("line.a", { authEnvVar: "TOKEN", session: { max_sessions_per_endpoint: 1 } });
    const first = rig.call(capability, 1, as("token-1"));
    await rig.clock.settle();
    const second = rig.call(capability, 2, as("token-2"));
    await rig.clock.advance(99);
    expect(rig.counts.openings).toBe(1);
    await rig.clock.advance(200);
    await Promise.all([first, second]);
    expect(rig.counts.openings).toBe(2);
    expect(rig.alive.size).toBe(1);
  });
});

describe("opening", () => {
  test("a failed opening fails those who waited for it and nobody who comes later", async () => {
    const rig = createManagerRig();
    rig.dials.openFailure = (count) => (count === 1 ? new Error("connection refused") : undefined);
    const calls = [1, 2, 3].map((n) => rig.call(rig.capability("line.a"), n));
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: "unavailable" });
    const later = rig.call(rig.capability("line.a"));
    await rig.clock.advance(100);
    expect((await later).session?.reused).toBe(false);
    expect(rig.counts.openings).toBe(2);
  });

  test("failures in a row are answered by longer and longer pauses", async () => {
    const rig = createManagerRig();
    rig.dials.openFailure = () => new Error("connection refused");
    const openedAt: number[] = [];
    for (let n = 0; n < 6; n++) {
      const call = rig.call(rig.capability("line.a"));
      const failed = expect(call).rejects.toMatchObject({ code: "unavailable" });
      while (rig.counts.openings <= n) await rig.clock.advance(1);
      openedAt.push(rig.clock.monotonic());
      await failed;
    }
    const pauses = openedAt.slice(1).map((at, n) => at - (openedAt[n] as number));
    pauses.forEach((pause, n) => {
      expect(pause).toBeGreaterThanOrEqual(25 * 2 ** n);
      expect(pause).toBeLessThanOrEqual(50 * 2 ** n + 1);
    });
  });

  test("an opening that hangs is given up, and its late session is ended at the peer", async () => {
    const rig = createManagerRig();
    rig.dials.openDelayMs = 40_000;
    rig.handler.initializeSession = async (_target, context) => {
      rig.counts.openings++;
      await new Promise<void>((resolve) => void context.clock.setTimer(40_000, resolve));
      return { state: 99 };
    };
    const capability = rig.capability("line.a", { session: { open_timeout_ms: 1_000 } });
    const failed = expect(rig.call(capability)).rejects.toMatchObject({
      code: "unavailable",
      message: "Opening a session with line://example took longer than 1000 ms.",
    });
    await rig.clock.advance(1_000);
    await failed;
    await rig.clock.advance(40_000);
    expect(rig.counts.terminated).toBe(1);
  });

  test("a caller who leaves does not cancel the opening that others wait for", async () => {
    const rig = createManagerRig();
    rig.dials.openDelayMs = 100;
    const leaving = new AbortController();
    const first = rig.call(rig.capability("line.a"), 1, { signal: leaving.signal });
    const second = rig.call(rig.capability("line.a"), 2);
    const gone = expect(first).rejects.toMatchObject({ code: "canceled" });
    await rig.clock.advance(50);
    leaving.abort();
    await gone;
    await rig.clock.advance(50);
    await second;
    expect(rig.counts.openings).toBe(1);
  });
});

describe("a lost session", () => {
  test("costs its callers an attempt and no error, and is replaced once", async () => {
    const rig = createManagerRig();
    await rig.call(rig.capability("line.a"), 0);
    rig.forgetAll();
    const outcomes = await Promise.all([1, 2, 3].map((n) => rig.call(rig.capability("line.a"), n)));
    expect(outcomes.map((outcome) => outcome.attempts)).toEqual([2, 2, 2]);
    expect(outcomes.every((outcome) => outcome.session?.reused === false)).toBe(true);
    expect(rig.counts.openings).toBe(2);
    expect(rig.countOf("sessionLost")).toBe(1);
    expect(rig.countOf("sessionReplaced")).toBe(1);
  });

  test("200 calls while the peer forgets after every 10: none fails, each runs exactly once", async () => {
    const rig = createManagerRig();
    rig.dials.forgetAfter = 10;
    for (let n = 0; n < 200; n++) await rig.call(rig.capability("line.a"), n);
    expect(rig.executed.map((call) => call.input)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(rig.counts.openings).toBe(20);
  });

  test("64 at once while the peer forgets after every 10: none fails, each runs exactly once", async () => {
    const rig = createManagerRig();
    rig.dials.forgetAfter = 10;
    rig.dials.callDelayMs = 5;
    const calls = Array.from({ length: 640 }, (_, n) => rig.call(rig.capability("line.a"), n));
    await rig.clock.advance(2_000);
    await Promise.all(calls);
    const inputs = rig.executed.map((call) => call.input as number).sort((a, b) => a - b);
    expect(inputs).toEqual(Array.from({ length: 640 }, (_, n) => n));
  });

  test("fails as such after two fresh sessions in a row that served nothing", async () => {
    const rig = createManagerRig();
    await rig.call(rig.capability("line.a"));
    const execute = rig.handler.executeWithSession;
    rig.handler.executeWithSession = async (session, call, context) => {
      rig.forgetAll();
      return await execute(session, call, context);
    };
    const call = rig.call(rig.capability("line.a"));
    const error = await call.catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "session-lost" });
    expect(reportOf(error).attempts).toBe(3);
    expect(rig.counts.openings).toBe(3);
  });

  test("with :max_replays 0 nothing is replayed", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { session: { max_replays: 0 } });
    await rig.call(capability);
    rig.forgetAll();
    await expect(rig.call(capability)).rejects.toMatchObject({ code: "session-lost" });
  });

  test("a stateful session that was used is not replayed, and the error says that its state is gone", async () => {
    const rig = createManagerRig();
    const capability = rig.capability("line.a", { session: { stateful: true } });
    await rig.call(capability);
    rig.forgetAll();
    await expect(rig.call(capability)).rejects.toMatchObject({ code: "session-lost", message: /state is gone/ });
    expect((await rig.call(capability)).attempts).toBe(1);
  });

  test("a session that reports its own death is replaced before the next call", async () => {
    const rig = createManagerRig();
    await rig.call(rig.capability("line.a"));
    rig.reportLost(1, "the socket closed");
    const next = await rig.call(rig.capability("line.a"));
    expect(next).toMatchObject({ attempts: 1, session: { reused: false } });
    expect(rig.events.find((entry) => entry.name === "sessionLost")?.event).toMatchObject({
      reason: "the socket closed",
    });
  });
});

describe("an unknown outcome", () => {
  const cutOnce = () => {
    let cut = false;
    return () => (cut ? undefined : ((cut = true), new Error("connection reset")));
  };

  test("fails as such, says that the call may have run, and is not run again", async () => {
    const rig = createManagerRig();
    rig.dials.callFailure = cutOnce();
    await expect(rig.call(rig.capability("line.a"))).rejects.toMatchObject({
      code: "outcome-unknown",
      message: /may have run/,
    });
    expect(rig.executed).toHaveLength(1);
  });

  test("is replayed where the manifest or the call says that running twice is harmless", async () => {
    for (const declared of ["manifest", "call"]) {
      const rig = createManagerRig();
      rig.dials.callFailure = cutOnce();
      const capability = rig.capability("line.a", declared === "manifest" ? { idempotent: true } : {});
      const outcome = await rig.call(capability, {}, declared === "call" ? { idempotent: true } : {});
      expect(outcome.attempts).toBe(2);
    }
  });

  test("the call's word counts more than the manifest's", async () => {
    const rig = createManagerRig();
    rig.dials.callFailure = cutOnce();
    const call = rig.call(rig.capability("line.a", { idempotent: true }), {}, { idempotent: false });
    await expect(call).rejects.toMatchObject({ code: "outcome-unknown" });
  });
});

describe("refused credentials", () => {
  const refuse = (): Error => new CcosError("unauthenticated", "The peer refused the token.");

  test("are renewed once for all who were refused, and the calls replayed", async () => {
    const rig = createManagerRig();
    let valid = false;
    let renewals = 0;
    rig.dials.callFailure = () => (valid ? undefined : refuse());
    rig.dials.renew = async () => ((renewals += 1), await rig.clock.settle(), (valid = true));
    const outcomes = await Promise.all([1, 2, 3].map((n) => rig.call(rig.capability("line.a"), n)));
    expect(renewals).toBe(1);
    expect(outcomes.every((outcome) => outcome.attempts === 2)).toBe(true);
    expect(rig.counts.openings).toBe(2);
  });

  test("are not renewed again for a refusal of what has been renewed since", async () => {
    const rig = createManagerRig();
    const held = Promise.withResolvers<void>();
    let renewals = 0;
    rig.dials.renew = () => Promise.resolve((renewals += 1) > 0);
    rig.dials.beforeCall = async ({ attempt, input }) => {
      if (attempt > 1) return;
      if (input === "late") await held.promise;
      throw refuse();
    };
    const late = rig.call(rig.capability("line.a"), "late");
    await rig.call(rig.capability("line.a"), "soon");
    held.resolve();
    expect((await late).attempts).toBe(2);
    expect(renewals).toBe(1);
  });

  test("fail when there is nothing to renew, and when the renewed ones are refused too", async () => {
    const rig = createManagerRig();
    rig.dials.callFailure = refuse;
    await expect(rig.call(rig.capability("line.a"))).rejects.toMatchObject({ code: "unauthenticated" });
    expect(rig.executed).toHaveLength(1);
    rig.dials.renew = () => Promise.resolve(true);
    await expect(rig.call(rig.capability("line.a"))).rejects.toMatchObject({ code: "unauthenticated" });
    expect(rig.executed).toHaveLength(3);
  });

  test("a secret that was rotated in the meantime is tried, on a session of its own", async () => {
    const rig = createManagerRig();
    rig.env["TOKEN"] = "old-secret";
    rig.dials.callFailure = () => {
      if (rig.env["TOKEN"] === "new-secret") return undefined;
      rig.env["TOKEN"] = "new-secret";
      return refuse();
    };
    const outcome = await rig.call(rig.capability("line.a", { authEnvVar: "TOKEN" }));
    expect(outcome.attempts).toBe(2);
    expect(rig.executed.map((call) => call.identity)).toEqual(["old-secret", "new-secret"]);
  });
});

describe("cancellation and deadlines", () => {
  test("a canceled call ends at once and keeps its place until the peer's work has ended", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 1_000;
    rig.dials.ignoreAbort = true;
    const capability = rig.capability("line.a", { session: { max_in_flight: 1 } });
    const cancel = new AbortController();
    const first = rig.call(capability, 1, { signal: cancel.signal });
    const canceled = expect(first).rejects.toMatchObject({ code: "canceled", details: { sent: true } });
    await rig.clock.settle();
    cancel.abort();
    await canceled;
    const second = rig.call(capability, 2);
    await rig.clock.advance(999);
    expect(rig.mostInFlight).toBe(1);
    await rig.clock.advance(1_001);
    await second;
    expect(rig.mostInFlight).toBe(1);
  });

  test("a handler that never lets go loses its session after a grace, so that others are served", async () => {
    const rig = createManagerRig();
    const execute = rig.handler.executeWithSession;
    let hang = true;
    rig.handler.executeWithSession = (session, call, context) =>
      hang ? ((hang = false), new Promise<never>(() => {})) : execute(session, call, context);
    const capability = rig.capability("line.a", { session: { max_in_flight: 1 } });
    const late = expect(rig.call(capability, 1, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "deadline-exceeded",
    });
    await rig.clock.advance(100);
    await late;
    const next = rig.call(capability, 2);
    await rig.clock.advance(5_000);
    expect((await next).session?.reused).toBe(false);
    expect(rig.counts.openings).toBe(2);
  });
});

describe("closing", () => {
  test("lets running calls end, refuses those who wait and those who come, and ends every session", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 100;
    const capability = rig.capability("line.a", { session: { max_in_flight: 1 } });
    const running = rig.call(capability, 1);
    await rig.clock.settle();
    const waiting = expect(rig.call(capability, 2)).rejects.toMatchObject({ code: "pool-closed" });
    const closing = rig.manager.close();
    await waiting;
    await expect(rig.call(capability, 3)).rejects.toMatchObject({ code: "pool-closed" });
    await rig.clock.advance(100);
    expect((await running).attempts).toBe(1);
    await closing;
    expect(rig.counts).toMatchObject({ opened: 1, terminated: 1 });
    expect(rig.clock.pendingTimers).toBe(0);
    expect(rig.manager.list()).toEqual([]);
  });

  test("aborts what still runs at its deadline", async () => {
    const rig = createManagerRig();
    rig.dials.callDelayMs = 60_000;
    const running = expect(rig.call(rig.capability("line.a"))).rejects.toMatchObject({ code: "pool-closed" });
    await rig.clock.settle();
    const closing = rig.manager.close({ deadlineMs: 200 });
    await rig.clock.advance(200);
    await running;
    await closing;
    expect(rig.clock.pendingTimers).toBe(0);
  });

  test("gives up an opening under way", async () => {
    const rig = createManagerRig();
    rig.dials.openDelayMs = 10_000;
    const waiting = expect(rig.call(rig.capability("line.a"))).rejects.toMatchObject({ code: "pool-closed" });
    await rig.clock.settle();
    await rig.manager.close();
    await waiting;
    expect(rig.clock.pendingTimers).toBe(0);
  });

  test("one session can be closed by its id", async () => {
    const rig = createManagerRig();
    const { session } = await rig.call(rig.capability("line.a"));
    expect(rig.manager.closeSession("s_unknown")).toBe(false);
    expect(rig.manager.closeSession(session?.id ?? "")).toBe(true);
    await rig.clock.settle();
    expect(rig.counts.terminated).toBe(1);
    expect((await rig.call(rig.capability("line.a"))).session?.reused).toBe(false);
  });
});

test("getOrCreateSession opens once and gives the id of the session in use", async () => {
  const rig = createManagerRig();
  const id = await rig.manager.getOrCreateSession(rig.capability("line.a"));
  expect(await rig.manager.getOrCreateSession(rig.capability("line.b"))).toBe(id);
  expect((await rig.call(rig.capability("line.c"))).session).toMatchObject({ id, reused: true });
});
