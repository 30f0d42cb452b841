import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main, type World } from "../../src/cli/program.ts";
import { createEnvironment } from "../../src/environment.ts";
import type { RuntimeEvents } from "../../src/kernel/index.ts";
import { startSdk } from "../telemetry/sdk.ts";
import { startEchoingServer, WAYS_TO_SAY, type EchoingServer } from "./echoing-server.ts";

// A secret of its own in every place where one can enter. Whatever is found somewhere says where it came from.
const CANARY = {
  token: "canary-token-1a2b3c4d",
  caller: "canary-caller-2b3c4d5e",
  password: "canary-password-3c4d5e",
  passwordOfPair: "canary-pair-4d5e6f7a",
  apiKeyHeader: "canary-apikey-5e6f7a8b",
  apiKeyCookie: "canary/cookie=6f7a8b9c",
  apiKeyQuery: "canary-query-7a8b9c0d",
  literalHeader: "canary-header-8b9c0d1e",
  literalQuery: "canary-url-9c0d1e2f",
  literalToken: "canary-literal-0d1e2f3a",
  session: "canary-session-1e2f3a4b",
  jwt: "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJqd3QtMmYzYTRiNWMifQ.c2lnbmF0dXJl",
  stdioEnv: "canary-stdio-3a4b5c6d",
  stdioLiteral: "canary-child-4b5c6d7e",
  stdioArgument: "canary-argument-5c6d7e8f",
  userinfo: "canary-userinfo-6d7e8f9a",
  overrideUrl: "canary-override-7e8f9a0b",
  config: "canary-config-8f9a0b1c",
} as const;

const VARIABLES = {
  TOKEN: CANARY.token,
  PASSWORD: CANARY.password,
  PAIR: `somebody:${CANARY.passwordOfPair}`,
  HEADER_KEY: CANARY.apiKeyHeader,
  COOKIE_KEY: CANARY.apiKeyCookie,
  QUERY_KEY: CANARY.apiKeyQuery,
  JWT: CANARY.jwt,
  CHILD_TOKEN: CANARY.stdioEnv,
  OVERRIDE: `http://somebody:${CANARY.overrideUrl}@127.0.0.1:9/mcp`,
  STORE_PASSWORD: CANARY.config,
};

/** Every form in which a secret could come out; the most of it is too much. */
const FORMS = Object.entries(CANARY).flatMap(([place, secret]) => [
  { place, form: secret },
  { place, form: secret.slice(0, 14) },
  { place, form: secret.slice(-10) },
  { place, form: encodeURIComponent(secret) },
  { place, form: Buffer.from(secret).toString("base64").replace(/=+$/, "") },
  { place, form: Buffer.from(`somebody:${secret}`).toString("base64").replace(/=+$/, "") },
]);

function leaks(text: string): string[] {
  return [...new Set(FORMS.filter(({ form }) => text.includes(form)).map(({ place }) => place))];
}

/** What is in an object for whoever prints or sends it in one of the usual ways. */
const everyWay = (value: unknown): string => {
  const error = value instanceof Error ? [value.message, String(value), value.stack] : [];
  return [...error, inspect(value, { depth: 8 }), JSON.stringify(value)].join("\n");
};

let folder = "";
let server: EchoingServer;
const ids: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-canaries-"));
  server = await startEchoingServer(CANARY.session);
  const credentials: Record<string, string> = {
    bearer: ':auth_env_var "TOKEN"',
    basic: ':auth {:type "basic" :username "somebody" :env_var "PASSWORD"}',
    pair: ':auth {:type "basic" :env_var "PAIR"}',
    header: ':auth {:type "api-key" :env_var "HEADER_KEY" :name "X-Key"}',
    cookie: ':auth {:type "api-key" :location "cookie" :env_var "COOKIE_KEY" :name "sid"}',
    query: ':auth {:type "api-key" :location "query" :env_var "QUERY_KEY" :name "k"}',
    literal: `:auth_token "${CANARY.literalToken}"`,
    own: `:headers {"X-Api-Key" "${CANARY.literalHeader}"}`,
    jwt: ':auth_env_var "JWT"',
  };
  const declare = (id: string, block: string, more = ""): string => {
    ids.push(id);
    return `(capability "${id}" :description "d" :metadata {:mcp {${block} :requires_session "auto"} :retry {:max_attempts 2 :initial_delay_ms 1} ${more}} :effects [:network])\n`;
  };
  const forms: string[] = [];
  for (const [name, credential] of Object.entries(credentials)) {
    for (const way of WAYS_TO_SAY)
      forms.push(declare(`${name}.${way}`, `:server_url "${server.url}" :tool_name "${way}" ${credential}`));
  }
  forms.push(declare("url.500", `:server_url "${server.url}?api_key=${CANARY.literalQuery}" :tool_name "500"`));
  forms.push(
    declare(
      "kept.500",
      `:server_url "${server.url}" :tool_name "500" :auth_env_var "TOKEN"`,
      ":idempotent true :cache {:ttl_ms 1000} :circuit_breaker {:failures 1}",
    ),
  );
  forms.push(
    declare("userinfo.500", `:server_url "http://somebody:${CANARY.userinfo}@127.0.0.1:9/mcp" :tool_name "500"`),
  );
  forms.push(
    declare("override.500", `:server_url "${server.url}" :server_url_override_env "OVERRIDE" :tool_name "500"`),
  );
  const child = `:command "${process.execPath}" :args ["${join(import.meta.dirname, "echoing-child.mjs")}" "--token" "${CANARY.stdioArgument}"] :env {"A_TOKEN" "\${CHILD_TOKEN}" "B_SECRET" "${CANARY.stdioLiteral}"}`;
  forms.push(declare("child.say", `${child} :tool_name "say"`), declare("child.die", `${child} :tool_name "die"`));
  ids.push("schema.structured");
  forms.push(
    `(capability "schema.structured" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "structured" :auth_env_var "TOKEN" :requires_session "auto"}} :output-schema [:map [:said :int]])`,
  );
  forms.push(
    `(capability "fine.fine" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "fine" :auth_env_var "TOKEN" :requires_session "auto"}} :input-schema [:map [:n :int]])`,
  );
  await mkdir(join(folder, "mine"));
  await writeFile(join(folder, "mine", "all.rtfs"), forms.join("\n"));
  await mkdir(join(folder, "broken"));
  await writeFile(
    join(folder, "broken", "broken.rtfs"),
    `(capability "b.b" :metadata {:mcp {:auth_token "${CANARY.literalToken}" :tool_name }})`,
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

// Complete by its type: an event that is added has to be added here.
const EVENTS: Readonly<Record<keyof RuntimeEvents, true>> = {
  callStarted: true,
  callEnded: true,
  sessionRequired: true,
  sessionOpening: true,
  sessionOpenFailed: true,
  sessionOpened: true,
  sessionReused: true,
  attemptStarted: true,
  attemptEnded: true,
  sessionLost: true,
  sessionReplaced: true,
  sessionClosed: true,
  offerChanged: true,
  leaseReclaimed: true,
  retryScheduled: true,
  callRefused: true,
  callDelayed: true,
  rateLearned: true,
  breakerChanged: true,
  cacheHit: true,
  cacheMissed: true,
  cacheRefreshFailed: true,
  callShared: true,
  warning: true,
};

test(
  "of a library's user no error, event, span, metric, session or diagnosis holds a secret",
  { timeout: 120_000 },
  async () => {
    const sdk = startSdk();
    const outputs: [where: string, text: string][] = [];
    const note = (where: string, value: unknown): void =>
      void outputs.push([where, typeof value === "string" ? value : everyWay(value)]);
    const env = await createEnvironment({
      capabilities: [join(folder, "mine")],
      config: {},
      env: VARIABLES,
      cwd: folder,
      onWarning: (warning) => note("warning while loading", warning),
      output: { print: (text) => note("print", text), log: (text) => note("log", text) },
    });
    for (const name of Object.keys(EVENTS) as (keyof RuntimeEvents)[])
      env.on(name, (event) => note(`event ${name}`, event));
    for (const id of [...ids, ...ids.filter((known) => known.startsWith("kept"))]) {
      note(`error of ${id}`, await env.call(id, {}, { timeoutMs: 5_000 }).catch((error: unknown) => error));
      note(`sessions after ${id}`, env.sessions.list());
    }
    const caller = { id: "somebody", credentials: { TOKEN: CANARY.caller } };
    for (const way of WAYS_TO_SAY)
      note(
        `error for a caller, ${way}`,
        await env.call(`bearer.${way}`, {}, { caller }).catch((error: unknown) => error),
      );
    // A secret that is known and comes back as an input is no less one.
    note("error of an input", await env.call("fine.fine", { n: CANARY.token }).catch((error: unknown) => error));
    note(
      "error of a program",
      await env.run(`(call "fine.fine" {:n "${CANARY.token}"})`).catch((error: unknown) => error),
    );
    note("diagnosis", await env.diagnose({ timeoutMs: 5_000 }));
    note("breakers", env.policies.breakers());
    await env.close();
    for (const span of sdk.spans())
      note(`span ${span.name}`, {
        name: span.name,
        attributes: span.attributes,
        events: span.events,
        status: span.status,
      });
    for (const [name, metric] of await sdk.metrics()) note(`metric ${name}`, metric.dataPoints);
    await sdk.stop();

    // The test is worth something only if the secrets were there to be leaked.
    const heard = server.heard.join("\n");
    for (const place of [
      "token",
      "caller",
      "apiKeyHeader",
      "literalHeader",
      "literalToken",
      "literalQuery",
      "session",
      "jwt",
    ] as const) {
      expect([place, heard.includes(CANARY[place])]).toEqual([place, true]);
    }
    expect(outputs.length).toBeGreaterThan(1_000);
    expect(
      outputs.flatMap(([where, text]) => leaks(text).map((place) => `${place} in ${where}: ${text.slice(0, 300)}`)),
    ).toEqual([]);
  },
);

describe("on the command line", () => {
  const run = async (
    argv: readonly string[],
    variables: Readonly<Record<string, string>> = VARIABLES,
  ): Promise<string> => {
    let written = "";
    const sink = { write: (text: string) => void (written += text) };
    const world = {
      stdin: (async function* () {})(),
      ask: undefined,
      stdout: sink,
      stderr: sink,
      env: { ...variables, CCOS_TRUST_FILE: join(folder, "trust.json") },
      cwd: folder,
      signals: { on: () => {}, off: () => {}, exit: () => {} },
    } as unknown as World;
    await main(argv, world);
    return written;
  };
  const at = (...argv: string[]): string[] => [...argv, "--capabilities", "mine"];

  test.each([[[]], [["--verbose"]], [["--json"]], [["--verbose", "--json"]]])(
    "no call tells a secret: %j",
    { timeout: 120_000 },
    async (flags) => {
      const found: string[] = [];
      for (const id of ids) {
        const written = await run(at("call", id, "{}", "--timeout", "5000", ...flags));
        expect(written).not.toBe("");
        found.push(...leaks(written).map((place) => `${place} by ${id}: ${written}`));
      }
      expect(found).toEqual([]);
    },
  );

  test.each([
    ["list"],
    ["list", "--json"],
    ["check", "mine"],
    ["check", "mine", "--json"],
    ["check", "broken"],
    ["check", "broken", "--json"],
    ["list", "--capabilities", "broken"],
    ["doctor"],
    ["doctor", "--json"],
    ["doctor", "userinfo.500"],
    ["doctor", "override.500", "--json"],
    ["eval", '(println (try (call "bearer.500" {}) (catch e (:message e))))'],
    ["eval", '(call "bearer.error-result" {})'],
    ["eval", '(call "fine.fine" {:n (call "ccos.system.get-env" "TOKEN")})', "--verbose"],
    ["eval", "1", "--store", `redis://somebody:${CANARY.config}@127.0.0.1:1`],
    ["doctor", "--store", `redis://somebody:${CANARY.config}@127.0.0.1:1`, "--json"],
  ])("%s %s %s", { timeout: 120_000 }, async (...argv) => {
    const written = await run(argv.includes("--capabilities") ? argv : at(...argv));
    expect(written).not.toBe("");
    expect(leaks(written).map((place) => `${place}: ${written}`)).toEqual([]);
  });

  test("what is known of a capability shows that it has a credential, and not which", { timeout: 60_000 }, async () => {
    for (const id of ["bearer.500", "literal.500", "own.500", "url.500", "userinfo.500", "child.say"]) {
      for (const flags of [[], ["--json"]]) {
        const written = await run(at("describe", id, ...flags));
        expect(written).toContain(id);
        expect(leaks(written).map((place) => `${place} of ${id}: ${written}`)).toEqual([]);
      }
    }
  });

  test("a secret in the configuration is no text of an error about it", async () => {
    await writeFile(
      join(folder, "config.json"),
      JSON.stringify({ store: "redis://somebody:${STORE_PASSWORD}@127.0.0.1:1", sesion: {} }),
    );
    for (const argv of [
      ["list", "--config", "config.json"],
      ["doctor", "--config", "config.json"],
    ])
      expect(leaks(await run(argv))).toEqual([]);
    await writeFile(
      join(folder, "config.json"),
      JSON.stringify({ store: "redis://somebody:${STORE_PASSWORD}@127.0.0.1:1" }),
    );
    for (const argv of [
      ["list", "--config", "config.json"],
      ["doctor", "--config", "config.json", "--json"],
    ])
      expect(leaks(await run(argv))).toEqual([]);
  });

  test("a value that a program gives is shown without secrets that are known", async () => {
    expect(
      await run(at("eval", '[(try (call "bearer.500" {}) (catch e 1)) (call "ccos.system.get-env" "TOKEN")]')),
    ).toBe('[1 "[redacted]"]\n');
  });
});
