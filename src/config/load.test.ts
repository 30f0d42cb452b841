import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CcosError } from "../kernel/index.ts";
import { loadConfig, type LoadConfigOptions } from "./load.ts";

let cwd: string;
let trusted = true;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "ccos-config-"));
  trusted = true;
});
afterEach(() => rm(cwd, { recursive: true }));

function load(options: Partial<LoadConfigOptions> = {}) {
  return loadConfig({ cwd, env: {}, trust: { isTrusted: () => Promise.resolve(trusted) }, ...options });
}

async function write(text: string): Promise<void> {
  await writeFile(join(cwd, "ccos.config.json"), text);
}

async function mistakes(options: Partial<LoadConfigOptions> = {}): Promise<CcosError> {
  return load(options).then(
    () => expect.fail("the configuration was accepted"),
    (error: CcosError) => error,
  );
}

describe("the configuration", () => {
  it("is empty where there is no file, and an error where the named file is missing", async () => {
    expect(await load()).toMatchObject({ config: {}, file: undefined, trusted: true });
    expect((await mistakes({ config: "other.json" })).message).toContain("other.json cannot be read");
  });

  it("that was found is judged by the text that was read", async () => {
    await write('{"store": "memory"}');
    const asked: unknown[] = [];
    const isTrusted = (path: string, text?: string) => Promise.resolve(asked.push([path, text]) > 0);
    await load({ trust: { isTrusted } });
    expect(asked).toEqual([[join(cwd, "ccos.config.json"), '{"store": "memory"}']]);
  });

  it("that was found and trusted is asked about again before a module is loaded; a named one is not", async () => {
    await write('{"providers": {"line": "./handler.ts"}}');
    const found = await load();
    await expect(found.confirm()).resolves.toBeUndefined();
    trusted = false;
    await expect(found.confirm()).rejects.toMatchObject({
      code: "permission-denied",
      remedy: expect.stringContaining("ccos trust"),
    });
    const named = await load({ config: "ccos.config.json" });
    await expect(named.confirm()).resolves.toBeUndefined();
  });

  it("that was found and trusted names no module by a variable, since nobody could trust what that leads to", async () => {
    await write('{"providers": {"line": "./${WHICH}.ts"}}');
    expect(await mistakes({ env: { WHICH: "evil" } })).toMatchObject({
      code: "read-error",
      message: expect.stringContaining("by a variable"),
    });
    const { config } = await load({ env: { WHICH: "handler" }, config: "ccos.config.json" });
    expect(config.providers).toEqual({ line: join(cwd, "handler.ts") });
  });

  it("reads every section, and paths start where the file stands", async () => {
    await write(`{
      "$schema": "./schema.json",
      "capabilities": ["caps", "/elsewhere"],
      "store": "sqlite:./ccos.db",
      "session": {"scope": "caller", "max_sessions": 4},
      "retry": {"max_attempts": 2},
      "rate_limit": {"limit": 30, "interval_ms": 1000},
      "circuit_breaker": {"failures": 5, "reset_ms": 10000},
      "cache": {"ttl_ms": 60000},
      "timeout_ms": 1000,
      "endpoints": {"https://api.acme.com/": {"session": {"max_in_flight": 2}}},
      "credentials": {"ACME_TOKEN": ["https://api.acme.com"]},
      "providers": {"line": "./handler.ts", "acme": "@acme/handler"},
      "max_response_bytes": 100000,
      "security": {"level": "controlled", "allow": ["acme.orders", "acme.users.*", "*"]}
    }`);
    const { config, credentials, file } = await load({ cwd });
    expect(file).toBe(join(cwd, "ccos.config.json"));
    expect(config.capabilities).toEqual([join(cwd, "caps"), "/elsewhere"]);
    expect(config.store).toBe(`sqlite:${join(cwd, "ccos.db")}`);
    expect(config.providers).toEqual({ line: join(cwd, "handler.ts"), acme: "@acme/handler" });
    expect(config.session).toEqual({ scope: "caller", max_sessions: 4 });
    expect(credentials).toEqual({ ACME_TOKEN: ["https://api.acme.com"] });
  });

  it("points at the line, column and key of every mistake at once", async () => {
    await write(`{
  "session": {"max_sessions": "many",
              "max_sesions": 3},
  "endpoints": {"https://a.b/": {"retrys": {}}},
  "rate_limit": {"limit": "3"},
  "cache": 5, "retry": false
}`);
    const error = await mistakes();
    expect(error.code).toBe("read-error");
    expect(error.message.split("\n").sort()).toEqual([
      "ccos.config.json:2:31 session.max_sessions invalid input: expected number, received string",
      'ccos.config.json:3:15 session.max_sesions is no setting here. Did you mean "max_sessions"?',
      'ccos.config.json:4:34 endpoints."https://a.b/".retrys is no setting here. Did you mean "retry"?',
      "ccos.config.json:5:27 rate_limit.limit invalid input: expected number, received string",
      "ccos.config.json:6:12 cache must be an object of settings, or false",
    ]);
  });

  it.each([
    ['{"session": {"scope": "all"}}', /1:23 session\.scope/],
    ['{"credentials": {"T": ["https://ann:pw@acme.com"]}}', /1:24 credentials\.T\.0 must be scheme/],
    ['{"credentials": {"T": ["https://acme.com/path"]}}', /must be scheme/],
    ['{"credentials": {"not a name": []}}', /1:18 credentials\."not a name" is no name of a variable/],
    ['{"retry": {"max_attempts": 0}}', /1:28 retry\.max_attempts/],
    ['{"a": 1, "a": 2}', /1:10 the key "a" is here twice/],
    ['{"__proto__": {}}', /1:2 the key __proto__/],
    ["[1]", /is no JSON object/],
    ['{"a": 1,}', /1:9 a comma before the closing brace/],
    ['{"a": tru}', /1:7 unexpected "t"/],
    ['{"a"', /expected a colon/],
    ['{"a": "b', /1:7 a string begins here/],
    ["", /the file ends/],
    ["{} x", /nothing more/],
    [`${"[".repeat(10_000)}`, /nested deeper/],
  ])("%j is refused with its place", async (text, message) => {
    await write(text);
    const error = await mistakes();
    expect(error.code).toBe("read-error");
    expect(error.message).toMatch(message);
  });

  it("accepts what JSON.parse accepts, with the same value, and a byte order mark", async () => {
    await write('\uFEFF{ "timeout_ms" : 1e3 ,\n\t"capabilities":["a\\u0062\\n"] }');
    const { config } = await load({ cwd });
    expect(config.timeout_ms).toBe(1000);
    expect(config.capabilities).toEqual([join(cwd, "ab\n")]);
  });

  it("puts variables into values, also where a number is wanted", async () => {
    await write('{"store": "redis://${HOST}:${PORT}/$${x}", "session": {"max_sessions": "${N}", "stateful": "${S}"}}');
    const { config } = await load({ env: { HOST: "h", PORT: "6379", N: "3", S: "true" } });
    expect(config.store).toBe("redis://h:6379/${x}");
    expect(config.session).toEqual({ max_sessions: 3, stateful: true });
  });

  it("says which variable is missing, and where", async () => {
    await write('{\n  "store": "redis://${HOST}"\n}');
    expect((await mistakes()).message).toBe("ccos.config.json:2:12 store needs the variable HOST, which is not set");
  });

  it.each([
    ['{"level": "full", "allow": ["a"]}', "security.allow counts only with the level controlled"],
    ['{"allow": ["acme.*.read"]}', "security.allow.0 must be an id"],
    ['{"allow": "acme"}', "security.allow invalid input"],
  ])("refuses the security %s", async (security, why) => {
    await write(`{"security": ${security}}`);
    expect((await mistakes()).message).toContain(why);
  });

  it("is read to a limit, also from something without an end", async () => {
    expect((await mistakes({ config: "/dev/zero" })).message).toContain("has more than 4194304 bytes");
  });

  it("is a file where it was only found", async () => {
    execFileSync("mkfifo", [join(cwd, "ccos.config.json")]);
    expect((await mistakes()).message).toBe("ccos.config.json is no file.");
  });

  it("is checked as strictly when it is an object", async () => {
    expect((await mistakes({ config: { stor: "memory" } })).message).toBe(
      'The configuration: stor is no setting here. Did you mean "store"?',
    );
    expect((await load({ config: { timeout_ms: 5 } })).config).toEqual({ timeout_ms: 5 });
  });
});

describe("a configuration that is not trusted", () => {
  beforeEach(() => {
    trusted = false;
  });

  it("loads no module, opens no store, widens no credential and no level, and says so", async () => {
    await write(
      '{"providers": {"line": "./evil.ts"}, "store": "redis://${SECRET}.evil", "security": {"level": "full"}, "credentials": {"T": ["https://evil.example"]}, "timeout_ms": 7}',
    );
    const loaded = await load({ env: { SECRET: "s3cret-value" } });
    expect(loaded.trusted).toBe(false);
    expect(loaded.config).toEqual({ timeout_ms: 7 });
    expect(loaded.credentials).toEqual({ T: ["https://evil.example"] });
    expect(loaded.warnings).toHaveLength(4);
    for (const warning of loaded.warnings) expect(warning).toContain("ccos trust ccos.config.json");
  });

  it.each([{ level: "pure" }, { level: "controlled" }, { allow: ["acme.*"] }])(
    "narrows what may be called: %j",
    async (security) => {
      await write(JSON.stringify({ security }));
      expect(await load()).toMatchObject({ config: { security }, warnings: [] });
    },
  );

  it("reads no variable, set or not", async () => {
    await write('{"capabilities": ["${HOME}"]}');
    const error = await mistakes({ env: { HOME: "/home/ann" } });
    expect(error.message).toMatch(/1:19 capabilities\.0 reads the variable HOME.*ccos trust/);
    expect(error.message).not.toContain("/home/ann");
  });

  it("is trusted when it is named", async () => {
    await write('{"store": "memory"}');
    expect(await load({ config: "ccos.config.json" })).toMatchObject({
      trusted: true,
      config: { store: "memory" },
      warnings: [],
    });
  });
});
