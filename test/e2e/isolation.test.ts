import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { RuntimeEvents } from "../../src/kernel/index.ts";
import { startMcpServer, text, type McpServer } from "../../testing/mcp-server.ts";
import { createSeededRandom, randomInteger } from "../../src/kernel/index.ts";

/** What a tenant gets: as whom the server saw it, on which session, and how often the tool had run. */
interface Answer {
  readonly token: string;
  readonly session: string;
  readonly run: number;
}

interface Told {
  readonly name: keyof RuntimeEvents;
  readonly event: Partial<RuntimeEvents["callStarted"] & RuntimeEvents["attemptStarted"] & RuntimeEvents["callShared"]>;
}

interface World {
  readonly env: CCOSEnvironment;
  readonly server: McpServer;
  readonly variables: Record<string, string>;
  readonly told: Told[];
  ask(tenant: string, secret: string | undefined, input: object, id?: string): Promise<Answer>;
}

const LISTENED = [
  "callStarted",
  "callEnded",
  "sessionReused",
  "attemptStarted",
  "attemptEnded",
  "sessionOpened",
  "sessionLost",
  "sessionClosed",
  "callShared",
  "cacheHit",
  "cacheMissed",
  "callDelayed",
  "callRefused",
  "retryScheduled",
  "warning",
] as const;

/** One server, one capability, every kind of sharing switched on. */
async function open(scope: string): Promise<World> {
  let runs = 0;
  const server = await startMcpServer({
    delayMs: 3,
    tools: [
      {
        name: "whoami",
        run: (_input, { token, sessionId }) => text(JSON.stringify({ token, session: sessionId, run: ++runs })),
      },
    ],
  });
  const variables: Record<string, string> = {};
  const env = await createEnvironment({ env: variables, config: {}, capabilities: [] });
  onTestFinished(async () => {
    await env.close();
    await server.stop();
  });
  const capability = (id: string, policies: string): string =>
    `(capability "${id}" :description "Who am I" :metadata {:mcp {:server_url "${server.url}" :tool_name "whoami" :requires_session "auto" :auth_env_var "SECRET"} :idempotent true :session {:scope "${scope}"} ${policies}})`;
  await env.capabilities.load(
    capability("acme.kept", ":cache {:ttl_ms 60000} :single_flight true") +
      capability("acme.shared", ":single_flight true"),
  );
  const told: Told[] = [];
  for (const name of LISTENED) env.on(name, (event) => void told.push({ name, event: event as Told["event"] }));
  return {
    env,
    server,
    variables,
    told,
    ask: async (tenant, secret, input, id = "acme.kept") => {
      const caller = { id: tenant, ...(secret !== undefined && { credentials: { SECRET: secret } }) };
      return (await env.call(id, { ...input }, { caller })) as unknown as Answer;
    },
  };
}

/** What the events tell of each caller: their calls, and the sessions these ran on. */
function callsOf(told: readonly Told[]): {
  readonly callers: ReadonlyMap<string, string>;
  readonly sessions: ReadonlyMap<string, ReadonlySet<string>>;
} {
  const callers = new Map<string, string>();
  const sessions = new Map<string, Set<string>>();
  for (const { name, event } of told) {
    const { callId = "", caller = "", sessionId } = event;
    if (name === "callStarted") callers.set(callId, caller);
    const owner = callers.get(callId);
    if (sessionId === undefined || owner === undefined) continue;
    let known = sessions.get(owner);
    if (known === undefined) sessions.set(owner, (known = new Set()));
    known.add(sessionId);
  }
  return { callers, sessions };
}

const count = (told: readonly Told[], name: Told["name"]): number => told.filter((one) => one.name === name).length;

// Names that no random id can hold by chance.
const ANN = "ann@tenants";
const BOB = "bob@tenants";

describe("two tenants at one server, asking the same at the same time, with secrets that rotate", () => {
  test.each([["caller"], ["identity"]])(
    "share no session, no kept answer, no answer under way and no line of a log (scope %s)",
    async (scope) => {
      const { env, server, told, ask } = await open(scope);
      const random = createSeededRandom(7);
      const secretOf = (tenant: string, generation: number): string => `secret-of-${tenant}-${generation}`;
      const generation: Record<string, number> = { [ANN]: 0, [BOB]: 0 };
      for (let round = 0; round < 60; round++) {
        if (round % 7 === 6) generation[round % 2 === 0 ? ANN : BOB]! += 1;
        const asked = Array.from({ length: 12 }, () => {
          const tenant = random.next() < 0.5 ? ANN : BOB;
          const secret = secretOf(tenant, generation[tenant] ?? 0);
          const id = random.next() < 0.5 ? "acme.kept" : "acme.shared";
          return ask(tenant, secret, { question: randomInteger(random, 0, 3) }, id).then((answer) => [
            secret,
            answer.token,
          ]);
        });
        for (const [asWhom, seenAs] of await Promise.all(asked)) expect(seenAs).toBe(asWhom);
      }
      // Worth something only where there was something to share.
      expect(count(told, "cacheHit")).toBeGreaterThan(50);
      expect(count(told, "callShared")).toBeGreaterThan(50);
      expect(count(told, "sessionReused")).toBeGreaterThan(50);

      for (const session of server.sessions.values())
        expect([...session.tokens]).toEqual(session.calls === 0 ? [] : [session.token]);
      const { callers, sessions } = callsOf(told);
      const ofAnn = sessions.get(ANN) ?? new Set<string>();
      const ofBob = sessions.get(BOB) ?? new Set<string>();
      expect(ofAnn.size).toBeGreaterThan(0);
      expect([...ofAnn].filter((id) => ofBob.has(id))).toEqual([]);
      for (const { event } of told.filter(({ name }) => name === "callShared")) {
        expect(callers.get(event.leaderId ?? "")).toBe(callers.get(event.callId ?? ""));
      }
      // What is told of one tenant names the other nowhere, and the secret of neither.
      for (const { name, event } of told) {
        const line = inspect({ name, event }, { depth: 8 });
        expect(line).not.toContain("secret-of-");
        const owner = callers.get(event.callId ?? "");
        if (owner !== undefined) expect(line).not.toContain(owner === ANN ? BOB : ANN);
      }
      expect(inspect(env.sessions.list(), { depth: 8 })).not.toMatch(/secret-of-/);
    },
  );

  test("every opening is of one tenant: as many handshakes as there were secrets", async () => {
    const { server, ask } = await open("identity");
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => ask(n % 2 === 0 ? ANN : BOB, `secret-of-${n % 2}`, {}, "acme.shared")),
    );
    expect(server.counts.initialize).toBe(2);
    expect(new Set([...server.sessions.values()].map(({ token }) => token)).size).toBe(2);
  });
});

describe("two tenants with one and the same secret", () => {
  test("meet nowhere where the scope keeps callers apart", async () => {
    const { server, told, ask } = await open("caller");
    const one = await Promise.all([ask(ANN, "the-secret", {}), ask(BOB, "the-secret", {})]);
    const two = [await ask(ANN, "the-secret", {}), await ask(BOB, "the-secret", {})];
    expect(new Set(one.map(({ session }) => session)).size).toBe(2);
    expect(new Set(one.map(({ run }) => run)).size).toBe(2);
    // Each is given its own kept answer again.
    expect(two).toEqual(one);
    expect(server.counts.executed).toBe(2);
    expect(count(told, "callShared")).toBe(0);
  });

  test("share everything where the scope is their common identity", async () => {
    const { server, ask } = await open("identity");
    const [one, two] = await Promise.all([ask(ANN, "the-secret", {}), ask(BOB, "the-secret", {})]);
    expect(two).toEqual(one);
    expect(server.counts.executed).toBe(1);
  });
});

test("a secret that is changed in the environment is used from the next call on, and no answer kept for the old one is given", async () => {
  const { server, variables, told, ask } = await open("identity");
  variables["SECRET"] = "secret-of-old";
  const before = await ask(ANN, undefined, {});
  expect(await ask(ANN, undefined, {})).toEqual(before);
  variables["SECRET"] = "secret-of-new";
  const after = await ask(ANN, undefined, {});
  expect([before.token, after.token]).toEqual(["secret-of-old", "secret-of-new"]);
  expect(after.session).not.toBe(before.session);
  // The session of the old one is drained.
  await expect.poll(() => [...server.sessions.values()].map(({ state }) => state)).toEqual(["deleted", "open"]);
  expect(count(told, "cacheHit")).toBe(1);
});

test("a refusal that one tenant met does not keep the other out", async () => {
  const { server, ask } = await open("caller");
  server.dials.fault = { kind: "status", status: 429, headers: { "retry-after": "600" } };
  server.dials.faultTimes = 1;
  await expect(ask(ANN, "secret-of-ann", { n: 1 }, "acme.shared")).rejects.toMatchObject({ code: "rate-limited" });
  expect(await ask(BOB, "secret-of-bob", { n: 1 }, "acme.shared")).toMatchObject({ token: "secret-of-bob" });
});
