import { describe, expect, it } from "vitest";

import { createEnvironment } from "../../src/index.ts";
import { isCcosError, type JsonObject } from "../../src/kernel/index.ts";
import { capabilityOf, driveHandler } from "../../testing/drive-handler.ts";
import { createOpenApiHandler } from "../../src/providers/openapi/index.ts";
import { drive } from "./driven.ts";
import { json, startService, type Asked, type ScriptedService } from "./scripted-service.ts";

const SECRETS = { KEY: "key-value", TOKEN: "token-value", PAIR: "ada:pass-word" };

async function withEcho(): Promise<ScriptedService> {
  const service = await startService();
  service.on("GET /echo", ({ url, headers }, response) =>
    json(response, {
      url,
      auth: headers.authorization ?? null,
      key: headers["x-key"] ?? null,
      cookie: headers.cookie ?? null,
    }),
  );
  return service;
}

describe("who calls", () => {
  const seen = async (
    more: JsonObject,
    env: Record<string, string> = SECRETS,
    input: JsonObject = {},
  ): Promise<unknown> => {
    await using service = await withEcho();
    await using driven = drive(env);
    return await driven.call({ base_url: service.url, path: "/echo", ...more }, input);
  };

  it("is said by a bearer token, a pair, or a key in its place", async () => {
    expect(await seen({ auth_env_var: "TOKEN" })).toMatchObject({ auth: "Bearer token-value" });
    expect(await seen({ auth: { type: "basic", env_var: "PAIR" } })).toMatchObject({
      auth: `Basic ${Buffer.from("ada:pass-word").toString("base64")}`,
    });
    expect(await seen({ auth: { type: "apiKey", in: "header", name: "X-Key", env_var: "KEY" } })).toMatchObject({
      key: "key-value",
    });
    expect(await seen({ auth: { type: "api-key", in: "query", name: "key", env_var: "KEY" } })).toMatchObject({
      url: "/echo?key=key-value",
    });
    expect(await seen({ auth: { type: "api-key", in: "cookie", name: "k", env_var: "KEY" } })).toMatchObject({
      cookie: "k=key-value",
    });
  });

  it("and what a call says in cookies of its own go together", async () => {
    const auth = { type: "api-key", in: "cookie", name: "k", env_var: "KEY" };
    const parameters = [{ name: "theme", in: "cookie" }];
    expect(await seen({ auth, parameters }, SECRETS, { theme: "a;b" })).toMatchObject({
      cookie: "k=key-value; theme=a%3Bb",
    });
    expect(await seen({ parameters }, SECRETS, { theme: "x" })).toMatchObject({ cookie: "theme=x" });
  });

  it("is read from older files: a place for the key makes an API key of it", async () => {
    expect(await seen({ auth: { location: "header", param_name: "X-Key", env_var: "KEY" } })).toMatchObject({
      key: "key-value",
    });
    expect(await seen({ auth: { env_var: "TOKEN" } })).toMatchObject({ auth: "Bearer token-value" });
  });

  it("is the first alternative whose variables are all set, and nobody where that is one", async () => {
    const security: JsonObject["x"] = [
      [
        { type: "bearer", env_var: "TOKEN" },
        { type: "api-key", in: "header", name: "X-Key", env_var: "KEY" },
      ],
      [{ type: "api-key", in: "header", name: "X-Key", env_var: "OTHER" }],
      [],
    ];
    expect(await seen({ security })).toMatchObject({ auth: "Bearer token-value", key: "key-value" });
    expect(await seen({ security }, { TOKEN: "t", OTHER: "other" })).toMatchObject({ auth: null, key: "other" });
    expect(await seen({ security }, {})).toMatchObject({ auth: null, key: null });
    expect(await seen({ security, auth_env_var: "TOKEN" })).toMatchObject({ auth: "Bearer token-value", key: null });
  });

  it("is never replaced by a parameter of the call", async () => {
    const parameters = [
      { name: "X-Key", in: "header" },
      { name: "q", in: "query" },
    ];
    const block = { auth: { type: "api-key", in: "header", name: "X-Key", env_var: "KEY" }, parameters };
    await expect(seen(block, SECRETS, { "X-Key": "mine" })).rejects.toMatchObject({ code: "invalid-argument" });
    expect(await seen(block, SECRETS, { q: 1 })).toMatchObject({ key: "key-value" });
  });

  it("is refused with the name of the variable, and without its value", async () => {
    await using service = await startService();
    service.on("GET /a", (_asked, response) => json(response, { message: "Bad credentials" }, 401));
    await using driven = drive(SECRETS);
    const error = await driven.failure({ base_url: service.url, path: "/a", auth_env_var: "TOKEN" });
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(error.remedy).toContain("TOKEN");
    expect(JSON.stringify(error)).not.toContain("token-value");
  });

  it("is no part of what people see of a place", () => {
    const driver = driveHandler(createOpenApiHandler(), { env: SECRETS });
    const auth = { type: "api-key", in: "query", name: "key", env_var: "KEY" };
    const target = driver.target(capabilityOf("openapi", { base_url: "https://a.test/v1", path: "/x", auth }));
    expect([target.endpoint, target.operation]).toEqual(["https://a.test/v1", "GET /x"]);
    expect(JSON.stringify([target.endpoint, target.shape])).not.toContain("key-value");
  });
});

/** A shop that wants a login with a token against forged requests, and forgets who is in when it is told to. */
async function startShop(): Promise<ScriptedService & { forget(): void; logins: number; readonly orders: Asked[] }> {
  const service = await startService();
  let sid: string | undefined;
  const shop = Object.assign(service, {
    logins: 0,
    orders: [] as Asked[],
    forget: () => void (sid = undefined),
  });
  const knows = ({ headers }: Asked): boolean => sid !== undefined && (headers.cookie ?? "").includes(`sid=${sid}`);
  service.on("GET /login", (_asked, response) => {
    response.writeHead(200, { "content-type": "text/html", "set-cookie": "csrftoken=form-token; Path=/" });
    response.end(`<form><input type="hidden" value='form-token' name="csrf"></form>`);
  });
  service.on("POST /login", (asked, response) => {
    const form = new URLSearchParams(asked.body);
    const isRight =
      form.get("user") === "ada" && form.get("password") === "p&ss word" && form.get("csrf") === "form-token";
    if (!isRight) return json(response, { error: "wrong password" }, 403);
    shop.logins++;
    sid = `session-${shop.logins}`;
    response
      .writeHead(303, {
        location: "/",
        "set-cookie": [`sid=${sid}; Path=/; HttpOnly`, `csrftoken=fresh-${shop.logins}; Path=/`, "flash=; Max-Age=0"],
      })
      .end();
  });
  service.on("POST /orders", (asked, response) => {
    if (!knows(asked)) return void response.writeHead(302, { location: "/login?next=/orders" }).end();
    shop.orders.push(asked);
    json(response, { ok: true }, 201);
  });
  service.on("GET /orders", (asked, response) => {
    if (!knows(asked)) return void response.writeHead(302, { location: "/login" }).end();
    json(response, [asked.headers["x-csrftoken"] ?? null]);
  });
  service.on("POST /logout", (asked, response) => {
    if (knows(asked)) sid = undefined;
    response.writeHead(204).end();
  });
  return shop;
}

const SHOP = { SHOP_USER: "ada", SHOP_PASSWORD: "p&ss word" };
const shopBlock = (url: string, more: JsonObject = {}): JsonObject => ({
  base_url: url,
  path: "/orders",
  requires_session: "auto",
  login: {
    path: "/login",
    content_type: "application/x-www-form-urlencoded",
    body: { user: "${SHOP_USER}", password: "${SHOP_PASSWORD}" },
    csrf: { path: "/login", cookie: "csrftoken", send_header: "X-CSRFToken", send_field: "csrf" },
    logout: { path: "/logout" },
  },
  ...more,
});

describe("a login", () => {
  const order = (url: string): JsonObject => shopBlock(url, { method: "POST", request_body: {} });

  it("gives a session with its cookie, and the token against forged requests as it is now", async () => {
    await using shop = await startShop();
    await using driven = drive(SHOP);
    expect(await driven.call(order(shop.url), { body: { item: 1 } })).toEqual({ ok: true });
    expect(shop.orders[0]?.headers).toMatchObject({ "x-csrftoken": "fresh-1" });
    expect(shop.orders[0]?.headers.cookie).toContain("sid=session-1");
    expect(await driven.call(shopBlock(shop.url))).toEqual([null]);
    expect(shop.logins).toBe(1);
    expect([...driven.secrets]).toEqual(expect.arrayContaining(["p&ss word", "session-1", "fresh-1"]));
  });

  it("that has ended is said by a redirect to it, whatever the method; the call did not run", async () => {
    await using shop = await startShop();
    await using driven = drive(SHOP);
    await driven.call(shopBlock(shop.url));
    shop.forget();
    expect(await driven.failure(shopBlock(shop.url))).toMatchObject({ code: "session-lost" });
    expect(await driven.failure(order(shop.url), { body: {} })).toMatchObject({ code: "session-lost" });
    expect(shop.orders).toEqual([]);
  });

  it("is begun anew by the runtime, and the call replayed", async () => {
    await using shop = await startShop();
    let lost = 0;
    await using env = await createEnvironment({ capabilities: [], env: SHOP });
    await env.capabilities.load(rtfs(order(shop.url)));
    env.on("sessionLost", () => void lost++);
    await env.call("shop.order", { body: { item: 1 } });
    shop.forget();
    const outcome = await env.callDetailed("shop.order", { body: { item: 2 } });
    expect(outcome).toMatchObject({ value: { ok: true }, attempts: 2 });
    expect(shop.orders.map(({ body }) => body)).toEqual(['{"item":1}', '{"item":2}']);
    expect([shop.logins, lost]).toEqual([2, 1]);
    await env.close();
    expect(shop.asked.at(-1)).toMatchObject({ method: "POST", url: "/logout" });
  });

  it("that is refused names the variable, and shows no secret", async () => {
    await using shop = await startShop();
    await using driven = drive({ ...SHOP, SHOP_PASSWORD: "wrong-password" });
    const error = await driven.failure(shopBlock(shop.url));
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(error.message).toContain("HTTP 403: wrong password");
    expect(error.remedy).toContain("SHOP_PASSWORD");
    expect(JSON.stringify(error)).not.toContain("wrong-password");
  });

  it("without one of its variables asks nobody anything", async () => {
    await using shop = await startShop();
    await using driven = drive({ SHOP_USER: "ada" });
    const error = await driven.failure(shopBlock(shop.url));
    expect(error).toMatchObject({ code: "unauthenticated", remedy: "Set SHOP_PASSWORD." });
    expect(shop.asked).toEqual([]);
  });

  it("may give a token instead, and say how long it lasts", async () => {
    await using service = await startService();
    service.on("POST /auth", (asked, response) =>
      asked.body.includes('"p&ss word"')
        ? json(response, { data: { jwt: "jwt-1", ttl: 60 } })
        : json(response, {}, 401),
    );
    service.on("GET /me", (asked, response) => json(response, asked.headers["x-token"] ?? null));
    const login = {
      path: "/auth",
      body: { password: "${SHOP_PASSWORD}" },
      token_path: "data.jwt",
      token_header: "X-Token",
      expires_in_path: "/data/ttl",
    };
    const block = { base_url: service.url, path: "/me", login };
    await using driven = drive(SHOP);
    expect(await driven.call(block)).toBe("jwt-1");
    expect(driven.secrets.has("jwt-1")).toBe(true);
    const handler = createOpenApiHandler();
    const driver = driveHandler(handler, { env: SHOP });
    const begun = Date.now();
    const opened = await handler.initializeSession(driver.target(capabilityOf("openapi", block)), {
      clock: { now: () => begun },
      signal: new AbortController().signal,
      addSecret: () => {},
    } as never);
    expect(opened.expiresAt).toBe(begun + 60_000);
    await handler.close();
  });

  it("that gives neither cookie nor token is no login", async () => {
    await using service = await startService();
    service.on("POST /auth", (_asked, response) => json(response, { ok: true }));
    await using driven = drive();
    const error = await driven.failure({ base_url: service.url, path: "/me", login: { path: "/auth" } });
    expect(error).toMatchObject({ code: "protocol-error" });
    expect(error.remedy).toContain(":token_path");
  });

  it.each<[string, JsonObject, string]>([
    ["no path", {}, "it has no :path"],
    ["an address elsewhere", { path: "https://evil.test/login" }, "no path that begins"],
    ["an address elsewhere, hidden", { path: "//evil.test/login" }, "no path that begins"],
    ["a step up", { path: "/../login" }, "no path that begins"],
    ["a method that logs nobody in", { path: "/l", method: "HEAD" }, ":method is none of"],
    ["a token from nowhere", { path: "/l", csrf: {} }, "it has none of"],
    ["a token without a page", { path: "/l", csrf: { field: "x" } }, "no :path to get the token from"],
    ["no status", { path: "/l", lost_statuses: ["often"] }, ":lost_statuses"],
  ])("cannot be declared with %s", async (_name, login, words) => {
    await using driven = drive();
    const complaint = await driven
      .failure({ base_url: "http://127.0.0.1:1", path: "/", login })
      .catch((error: unknown) => error);
    expect(complaint).toMatchObject({ code: "invalid-argument" });
    expect(isCcosError(complaint) && complaint.message).toContain(words);
  });

  it("sends no password in the clear to another machine", () => {
    const driver = driveHandler(createOpenApiHandler(), { env: SHOP });
    expect(() => driver.target(capabilityOf("openapi", shopBlock("http://shop.test")))).toThrow("in the clear");
  });

  it("makes two identities of two users", () => {
    const identity = (user: string): unknown =>
      driveHandler(createOpenApiHandler(), { env: { ...SHOP, SHOP_USER: user } }).target(
        capabilityOf("openapi", shopBlock("https://shop.test")),
      ).credentials;
    expect(identity("ada")).not.toEqual(identity("bob"));
  });
});

describe("a call that may be repeated", () => {
  async function cutting(method: string, more: JsonObject = {}): Promise<{ asked: Asked[]; error: unknown }> {
    await using service = await startService();
    let cuts = 1;
    service.on(`${method} /x`, (_asked, response) => {
      if (cuts-- > 0) response.destroy();
      else json(response, { done: true });
    });
    await using env = await createEnvironment({ capabilities: [], env: {} });
    await env.capabilities.load(
      rtfs({ base_url: service.url, path: "/x", method, requires_session: "auto", ...more }, "x.y"),
    );
    const error: unknown = await env.call("x.y", {}).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { asked: service.asked, error };
  }

  it.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])("is one of the method %s", async (method) => {
    const { asked, error } = await cutting(method);
    expect(error).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it.each(["POST", "PATCH"])("is none of the method %s", async (method) => {
    const { asked, error } = await cutting(method);
    expect(error).toMatchObject({ code: "outcome-unknown" });
    expect(asked).toHaveLength(1);
  });

  it("is one with a key, the same for each execution, and another for the next call", async () => {
    const first = await cutting("POST", { idempotency_key: true });
    expect(first.error).toBeUndefined();
    const keys = first.asked.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(keys[1]).toBe(keys[0]);
    const second = await cutting("POST", { idempotency_key: "X-Request-Key" });
    expect(second.asked[0]?.headers["x-request-key"]).toHaveLength(36);
    expect(second.asked[0]?.headers["x-request-key"]).not.toBe(keys[0]);
  });
});

describe("calls that ask the same at once", () => {
  it.each([
    ["GET", {}, true],
    ["DELETE", {}, false],
    ["POST", { idempotency_key: true }, false],
  ] as const)("by %s %j are executed together: %s", async (method, more, shared) => {
    await using service = await startService();
    service.on(`${method} /x`, (_asked, response) => json(response, 1));
    await using env = await createEnvironment({ capabilities: [], env: {} });
    const block = { base_url: service.url, path: "/x", method, requires_session: "auto", ...more };
    await env.capabilities.load(rtfs(block, "x.y", { single_flight: true, cache: { ttl_ms: 60_000 } }));
    await Promise.all([env.call("x.y", {}), env.call("x.y", {})]);
    await env.call("x.y", {});
    expect(service.asked).toHaveLength(shared ? 1 : 3);
  });
});

describe("what a service says of its limit", () => {
  it("is heard with every answer", async () => {
    await using service = await startService();
    service.on("GET /x", (_asked, response) =>
      json(response, 1, 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }),
    );
    await using env = await createEnvironment({ capabilities: [], env: {} });
    await env.capabilities.load(
      rtfs({ base_url: service.url, path: "/x", requires_session: "auto" }, "x.y", {
        rate_limit: { limit: 100, interval_ms: 1 },
      }),
    );
    await env.call("x.y");
    const error: unknown = await env.call("x.y", null, { timeoutMs: 300 }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "rate-limited" });
    expect(service.asked).toHaveLength(1);
  });
});

/** A capability file with this block. */
function rtfs(block: JsonObject, id = "shop.order", metadata: JsonObject = {}): string {
  const form = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(form).join(" ")}]`;
    if (typeof value === "object" && value !== null) {
      return `{${Object.entries(value)
        .map(([key, inner]) => `:${key} ${form(inner)}`)
        .join(" ")}}`;
    }
    return JSON.stringify(value);
  };
  return `(capability ${JSON.stringify(id)} :description "d" :effects [:network] :metadata ${form({ openapi: block, ...metadata })})`;
}
