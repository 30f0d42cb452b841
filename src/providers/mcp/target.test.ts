import { expect, test, describe } from "vitest";

import type { JsonObject } from "../../kernel/index.ts";
import type { SecretUse, SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { readTarget, secretsOf, type HttpSettings, type StdioSettings } from "./target.ts";

interface Seen {
  readonly secrets: [string, SecretUse][];
  readonly endpoints: [string, string][];
  readonly commands: string[];
}

function context(env: Record<string, string>, configured: JsonObject = {}): TargetContext & { seen: Seen } {
  const seen: Seen = { secrets: [], endpoints: [], commands: [] };
  return {
    seen,
    variable: (name) => env[name],
    secret(name, use) {
      seen.secrets.push([name, use]);
      if (use.fallbackOrigins !== undefined && !use.fallbackOrigins.includes(use.origin)) return undefined;
      return env[name];
    },
    authorizeEndpoint: (origin, variable) => void seen.endpoints.push([origin, variable]),
    authorizeCommand: (command) => void seen.commands.push(command),
    endpointSettings: () => configured,
  };
}

function capability(block: JsonObject, flat: Record<string, string> = {}): SessionCapability {
  const metadata: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, flat);
  const flatten = (prefix: string, value: unknown): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) flatten(`${prefix}_${key}`, inner);
    } else metadata[prefix] = Array.isArray(value) ? JSON.stringify(value) : String(value);
  };
  flatten("mcp", block);
  return { id: "mcp.line.read", metadata, block, idempotent: undefined, trusted: true };
}

const LINE = { server_url: "https://line.example/mcp", tool_name: "read" };
const http = (target: Target): HttpSettings => target.settings as HttpSettings;
const read = (block: JsonObject, env: Record<string, string> = {}): Target =>
  readTarget(capability(block), context(env));

describe("the server", () => {
  test.each([
    [{ server_url: "https://a.example/mcp" }, {}, "https://a.example/mcp"],
    [{ url: "https://a.example/mcp" }, {}, "https://a.example/mcp"],
    [{ server_endpoint: "https://a.example/mcp" }, {}, "https://a.example/mcp"],
    [{ server_url: "https://a.example/mcp", url: "https://b.example/" }, {}, "https://a.example/mcp"],
    [{ server_url: "https://a.example/mcp" }, { MCP_SERVER_URL: "http://127.0.0.1:9/mcp" }, "http://127.0.0.1:9/mcp"],
    [
      { server_url: "https://a.example/mcp", server_url_override_env: "LINE_URL" },
      { LINE_URL: "https://c.example/x" },
      "https://c.example/x",
    ],
    [
      { server_url: "https://a.example/mcp", server_url_override_env: "LINE_URL" },
      { MCP_SERVER_URL: "https://d.example/" },
      "https://a.example/mcp",
    ],
    [{ server_url: "https://a.example/mcp#part" }, {}, "https://a.example/mcp"],
  ])("%j with %j is %s", (block, env, endpoint) => {
    expect(read({ tool_name: "x", ...block }, env).endpoint).toBe(endpoint);
  });

  test("a URL from a variable is authorised by that variable", () => {
    const seen = context({ MCP_SERVER_URL: "http://127.0.0.1:9/mcp" });
    readTarget(capability(LINE), seen);
    expect(seen.seen.endpoints).toEqual([["http://127.0.0.1:9", "MCP_SERVER_URL"]]);
  });

  test.each<[string, JsonObject]>([
    ["no tool", { server_url: "https://a.example/" }],
    ["no server", { tool_name: "x" }],
    ["no URL", { tool_name: "x", server_url: "not a url" }],
    ["another scheme", { tool_name: "x", server_url: "file:///etc/passwd" }],
    ["credentials in the URL", { tool_name: "x", server_url: "https://user:pw@a.example/" }],
    ["an unknown transport", { ...LINE, transport: "pigeon" }],
    ["a limit that is none", { ...LINE, max_response_bytes: "lots" }],
    ["a tiny limit", { ...LINE, max_response_bytes: 10 }],
    ["args that are no list", { command: "x", tool_name: "y", args: "a b" }],
    ["a variable name that is none", { command: "x", tool_name: "y", env: { "A B": "1" } }],
  ])("%s is an invalid argument", (_name, block) => {
    expect(() => read(block)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });
});

describe("the credential", () => {
  const authorization = (block: JsonObject, env: Record<string, string> = {}): string | undefined =>
    http(read({ ...LINE, ...block }, env)).headers["authorization"];

  test("is the token in the metadata before any variable", () => {
    expect(authorization({ auth_token: "t0", auth_env_var: "A" }, { A: "t1" })).toBe("Bearer t0");
  });

  test("is the named variable before that of the namespace, before the general one", () => {
    const block = { auth_env_var: "A", server_name: "acme-line/tools" };
    const env = { A: "t1", ACME_LINE_MCP_TOKEN: "t2", MCP_AUTH_TOKEN: "t3" };
    expect(authorization(block, env)).toBe("Bearer t1");
    expect(authorization({ server_name: "acme-line/tools" }, env)).toBe("Bearer t2");
    expect(authorization(block, { ACME_LINE_MCP_TOKEN: "t2" })).toBe("Bearer t2");
  });

  test("the general one goes to its own origins only", () => {
    const env = { MCP_AUTH_TOKEN: "t3" };
    expect(authorization({}, env)).toBeUndefined();
    expect(authorization({ server_url: "https://api.githubcopilot.com/mcp/" }, env)).toBe("Bearer t3");
    expect(authorization({ server_url: "https://api.githubcopilot.com.evil.example/" }, env)).toBeUndefined();
    expect(authorization({}, { ...env, MCP_SERVER_URL: "https://mine.example/mcp" })).toBe("Bearer t3");
  });

  test("where the server was replaced, no credential of the capability is sent", () => {
    const env = { A: "t1", LINE_MCP_TOKEN: "t2", MCP_SERVER_URL: "https://mine.example/mcp" };
    const target = read({ ...LINE, auth_token: "t0", auth_env_var: "A", server_name: "line" }, env);
    expect(http(target).headers).toEqual({});
    expect(target.credentials).toEqual({});
  });

  test("its variable is named even where it is not set", () => {
    expect(read({ ...LINE, auth_env_var: "A" }).credentialSource).toBe("A");
    expect(read(LINE).credentialSource).toBe("MCP_AUTH_TOKEN");
  });

  test.each<[JsonObject, string, Record<string, string>]>([
    [{ type: "bearer", env_var: "A" }, "t1", { authorization: "Bearer t1" }],
    [{ type: "basic", env_var: "A" }, "me:pw", { authorization: `Basic ${btoa("me:pw")}` }],
    [{ type: "basic", env_var: "A", username: "me" }, "pw", { authorization: `Basic ${btoa("me:pw")}` }],
    [{ type: "api-key", env_var: "A", name: "X-Api-Key" }, "t1", { "x-api-key": "t1" }],
    [{ type: "apiKey", env_var: "A", param_name: "X-Key", location: "header" }, "t1", { "x-key": "t1" }],
    [{ type: "api-key", env_var: "A", name: "key", location: "cookie" }, "t 1", { cookie: "key=t%201" }],
  ])("%j sends %s as %j", (auth, secret, headers) => {
    expect(http(read({ ...LINE, auth }, { A: secret })).headers).toEqual(headers);
  });

  test("of two users with one password is two identities, as is one key sent in two ways", () => {
    const as = (auth: JsonObject) => read({ ...LINE, auth: { env_var: "A", ...auth } }, { A: "the same one" });
    const [ann, bob] = ["ann", "bob"].map((username) => as({ type: "basic", username }));
    expect(ann?.credentials).not.toEqual(bob?.credentials);
    const keys = ["X-Reader", "X-Admin"].map((name) => as({ type: "api-key", name }));
    expect(keys[0]?.shape).not.toEqual(keys[1]?.shape);
  });

  test("is hidden in every form in which it is sent, a literal token too, and a user's name is not", () => {
    const basic = read({ ...LINE, auth: { type: "basic", env_var: "A", username: "ann" } }, { A: "pass-word" });
    expect(secretsOf(basic).toSorted()).toEqual([btoa("ann:pass-word"), "pass-word"].toSorted());
    expect(secretsOf(read({ ...LINE, auth_token: "in-the-file" }))).toContain("in-the-file");
    expect(secretsOf(read(LINE))).toEqual([]);
  });

  test("a key in the query is in no text that people see", () => {
    const target = read(
      { ...LINE, auth: { type: "api-key", env_var: "A", name: "key", location: "query" } },
      { A: "s3cret" },
    );
    expect(http(target).url).toBe("https://line.example/mcp?key=s3cret");
    expect(target.endpoint).toBe("https://line.example/mcp");
    expect(JSON.stringify(target.shape)).not.toContain("s3cret");
  });

  test("a token with a line end is sent without it, and one with a line break inside is refused", () => {
    expect(authorization({ auth_env_var: "A" }, { A: "t1\n" })).toBe("Bearer t1");
    expect(() => authorization({ auth_env_var: "A" }, { A: "t1\r\nx-evil: 1" })).toThrow(/characters/);
  });

  test("a token in a file does not travel in the clear, except to this machine", () => {
    expect(() => authorization({ auth_token: "t0", server_url: "http://a.example/" })).toThrow(
      expect.objectContaining({ code: "permission-denied" }),
    );
    expect(authorization({ auth_token: "t0", server_url: "http://127.0.0.1:1/" })).toBe("Bearer t0");
    expect(() => authorization({ auth_token: "t0", server_url: "http://a.localhost:1/" })).toThrow("in the clear");
  });

  test.each<JsonObject>([
    { type: "magic" },
    { type: "api-key", location: "pocket" },
    { type: "api-key", name: "a b" },
    { type: "basic" },
  ])("%j is an invalid argument", (auth) => {
    expect(() => read({ ...LINE, auth: { env_var: "A", ...auth } }, { A: "x" })).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });
});

describe("extra headers", () => {
  test("belong to the session: other headers are another shape, in whatever order they stand", () => {
    const one = read({ ...LINE, headers: { "X-Line-Set": "a,b", "X-Two": 2 } });
    const same = read({ ...LINE, headers: { "x-two": 2, "x-line-set": "a,b" } });
    const other = read({ ...LINE, headers: { "X-Line-Set": "a", "X-Two": 2 } });
    expect(http(one).headers).toEqual({ "x-line-set": "a,b", "x-two": "2" });
    expect(same.shape).toEqual(one.shape);
    expect(other.shape).not.toEqual(one.shape);
  });

  test("are read from flat keys too, each once", () => {
    const flat = { "mcp_headers_X-Line-Set": "a", mcp_headers_X_Line_Set: "a", mcp_headers_plain: "b" };
    expect(http(readTarget(capability(LINE, flat), context({}))).headers).toEqual({ "x-line-set": "a", plain: "b" });
  });

  test.each<[string, JsonObject]>([
    ["a line break", { "x-a": "1\r\nx-b: 2" }],
    ["a name with a space", { "x a": "1" }],
    ["a header of the protocol", { "Mcp-Session-Id": "1" }],
    ["a host", { Host: "evil.example" }],
    ["a credential", { Authorization: "Bearer x" }],
    ["a cookie", { Cookie: "a=b" }],
    ["a map as value", { "x-a": { b: 1 } }],
  ])("%s is an invalid argument", (_name, headers) => {
    expect(() => read({ ...LINE, headers })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });
});

describe("a child process", () => {
  test("is authorised, and is named without the values of variables", () => {
    const seen = context({ LINE_KEY: "s3cret" });
    const block = {
      command: "npx",
      args: ["-y", "line server"],
      env: { KEY: "${LINE_KEY}", MODE: "fast" },
      tool_name: "x",
    };
    const target = readTarget(capability(block), seen);
    expect(seen.seen.commands).toEqual(["npx"]);
    expect(seen.seen.secrets).toEqual([["LINE_KEY", { origin: "command:" }]]);
    expect(target.endpoint).toBe('npx -y "line server"');
    expect(target.credentials).toEqual({ LINE_KEY: "s3cret" });
    expect((target.settings as StdioSettings).env).toEqual({ KEY: "s3cret", MODE: "fast" });
    expect(JSON.stringify([target.endpoint, target.shape])).not.toContain("s3cret");
  });

  test("gets the named token under its own name", () => {
    const target = read({ command: "serve", tool_name: "x", auth_env_var: "LINE_KEY" }, { LINE_KEY: "t" });
    expect((target.settings as StdioSettings).env).toEqual({ LINE_KEY: "t" });
  });

  test("is not replaced by a URL", () => {
    expect(read({ command: "serve", tool_name: "x" }, { MCP_SERVER_URL: "https://a.example/" }).endpoint).toBe("serve");
  });
});

test("hints make a call repeatable", () => {
  expect(read({ ...LINE, read_only_hint: true }).idempotent).toBe(true);
  expect(read({ ...LINE, idempotent_hint: "true" }).idempotent).toBe(true);
  expect(read({ ...LINE, read_only_hint: false }).idempotent).toBeUndefined();
  expect(read(LINE).idempotent).toBeUndefined();
});

test("the capability's own limit comes before the one configured for its endpoint", () => {
  const limit = (block: JsonObject, configured: JsonObject): number =>
    http(readTarget(capability({ ...LINE, ...block }), context({}, configured))).maxResponseBytes;
  expect(limit({ max_response_bytes: 2000 }, { max_response_bytes: 3000 })).toBe(2000);
  expect(limit({}, { max_response_bytes: 3000 })).toBe(3000);
  expect(limit({}, {})).toBe(32 * 1024 * 1024);
});

describe("a credential that stands in the file itself", () => {
  const https = { ...LINE, server_url: "https://line.example/mcp" };

  test("in a header makes an identity, and is in no text that people see", () => {
    const [one, two] = ["one-key-of-many", "another-key"].map((key) =>
      read({ ...https, headers: { "X-Api-Key": key, "X-Tenant": "acme" } }),
    );
    expect(http(one as Target).headers).toMatchObject({ "x-api-key": "one-key-of-many", "x-tenant": "acme" });
    expect(one?.credentials).not.toEqual(two?.credentials);
    expect(secretsOf(one as Target)).toEqual(["one-key-of-many"]);
    expect(JSON.stringify([one?.endpoint, one?.shape])).not.toContain("one-key-of-many");
    expect(one?.shape["headers"]).toContain("acme");
  });

  test("in the query goes out and is not in the endpoint", () => {
    const target = read({ ...https, server_url: "https://line.example/mcp?api_key=key-in-the-url&page=2" });
    expect(http(target).url).toBe("https://line.example/mcp?api_key=key-in-the-url&page=2");
    expect(target.endpoint).toBe("https://line.example/mcp?page=2");
    expect(secretsOf(target)).toEqual(["key-in-the-url"]);
  });

  test("does not travel in the clear beyond this machine", () => {
    const headers = { "X-Api-Key": "one-key-of-many" };
    expect(() => read({ ...https, server_url: "http://line.example/mcp", headers })).toThrow(
      expect.objectContaining({ code: "permission-denied" }),
    );
    expect(() => read({ ...https, server_url: "http://127.0.0.1:9/mcp", headers })).not.toThrow();
    expect(() => read({ ...https, server_url: "http://line.example/mcp?token=abcdef" })).toThrow("in the clear");
  });

  test("on a command line or in a child's environment is handed on, and shown nowhere", () => {
    const block = {
      command: "serve",
      args: ["--api-key", "key-after-flag", "--token=key-in-flag", "--verbose", "--secret", "--port", "80"],
      tool_name: "t",
      env: { SERVICE_TOKEN: "key-in-env", MODE: "quick" },
    };
    const target = read(block);
    const settings = target.settings as StdioSettings;
    expect(settings.args).toEqual(block.args);
    expect(settings.env).toMatchObject(block.env);
    expect(target.endpoint).toBe('serve --api-key "[redacted]" "--token=[redacted]" --verbose --secret --port 80');
    expect(secretsOf(target).toSorted()).toEqual(["key-after-flag", "key-in-env", "key-in-flag"]);
    expect(JSON.stringify(target.shape)).not.toMatch(/key-(?:after|in)/);
    expect(read({ ...block, env: { ...block.env, SERVICE_TOKEN: "another" } }).credentials).not.toEqual(
      target.credentials,
    );
  });

  test("of user and password is hidden in its parts too", () => {
    const target = read({ ...LINE, auth: { type: "basic", env_var: "A" } }, { A: "ann:pass-word" });
    expect(secretsOf(target)).toContain("pass-word");
  });
});
