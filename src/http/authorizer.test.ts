import { createServer, type Server } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";

import type { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createFakeClock, type FakeClock } from "../../testing/fake-clock.ts";
import { askingContext, capabilityWith } from "../../testing/place-asker.ts";
import type { JsonObject } from "../kernel/index.ts";
import type { SessionContext } from "../session/handler.ts";
import { Authorizer } from "./authorizer.ts";
import { createDispatcher } from "./dispatcher.ts";
import { readHttpPlace, type HttpPlace } from "./place.ts";

interface TokenRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: Record<string, string>;
}

let dispatcher: Agent;
let issuer: Server;
let at: string;
let asked: TokenRequest[];
let answer: (request: TokenRequest) => { status?: number; body: unknown; type?: string } | Promise<never>;
let clock: FakeClock;
let secrets: Set<string>;
let context: SessionContext;
let authorizer: Authorizer;

beforeEach(async () => {
  dispatcher = await createDispatcher();
  asked = [];
  secrets = new Set();
  clock = createFakeClock();
  context = { clock, addSecret: (secret: string) => void secrets.add(secret) } as unknown as SessionContext;
  authorizer = new Authorizer({ dispatcher: async () => dispatcher });
  answer = () => ({ body: { access_token: `access-${asked.length}`, token_type: "Bearer", expires_in: 3600 } });
  issuer = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { authorization } = request.headers;
    const seen = { path: request.url ?? "", authorization, form: Object.fromEntries(new URLSearchParams(body)) };
    if (request.method === "POST") asked.push(seen);
    const { status = 200, body: given, type = "application/json" } = await answer(seen);
    response.writeHead(status, { "content-type": type });
    response.end(typeof given === "string" ? given : JSON.stringify(given));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  at = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await dispatcher.destroy();
  await new Promise((resolve) => issuer.close(resolve));
});

const ENV = { S: "client-secret", R: "refresh-first" };

function place(auth: JsonObject = {}, env: Record<string, string> = ENV): HttpPlace {
  const declared = { type: "oauth2", token_url: `${at}/token`, client_id: "me", client_secret_env_var: "S", ...auth };
  const block = { base_url: "https://shop.example", headers: { "x-tenant": "acme" }, auth: declared };
  return readHttpPlace(capabilityWith("shop", block), askingContext(env), { provider: "shop", urlKey: "base_url" });
}

const refusedAs = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

describe("client credentials", () => {
  test("give a token that ends when the issuer says, and is never shown", async () => {
    const { headers, expiresAt } = await authorizer.open(place({ scope: "read write", audience: "shop" }), context);
    expect(headers).toEqual({ "x-tenant": "acme", authorization: "Bearer access-1" });
    expect(expiresAt).toBe(clock.now() + 3_600_000);
    expect(asked[0]?.form).toEqual({ grant_type: "client_credentials", scope: "read write", audience: "shop" });
    expect(asked[0]?.authorization).toBe(`Basic ${btoa("me:client-secret")}`);
    for (const secret of ["client-secret", "access-1"]) expect(secrets).toContain(secret);
  });

  test("are asked for once by however many sessions open, and again when the token is about to end", async () => {
    const opened = await Promise.all([1, 2, 3].map(() => authorizer.open(place(), context)));
    expect(new Set(opened.map(({ headers }) => headers["authorization"]))).toEqual(new Set(["Bearer access-1"]));
    await authorizer.open(place(), context);
    expect(asked).toHaveLength(1);
    await clock.advance(3_600_000 - 30_000);
    const { headers } = await authorizer.open(place(), context);
    expect(headers["authorization"]).toBe("Bearer access-2");
  });

  test("of another scope are another token", async () => {
    await authorizer.open(place({ scope: "read" }), context);
    await authorizer.open(place({ scope: "write" }), context);
    expect(asked).toHaveLength(2);
  });

  test("may be sent in the form, or as a signed assertion", async () => {
    await authorizer.open(place({ client_auth: "client_secret_post" }), context);
    expect(asked[0]).toMatchObject({
      authorization: undefined,
      form: { client_id: "me", client_secret: "client-secret" },
    });
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    // As a variable often holds it.
    const env = { ...ENV, K: pem.replaceAll("\n", "\\n") };
    await authorizer.open(place({ private_key_env_var: "K", key_id: "k1" }, env), context);
    const [header] = (asked[1]?.form["client_assertion"] ?? "").split(".");
    expect(JSON.parse(Buffer.from(header ?? "", "base64url").toString())).toMatchObject({ alg: "ES256", kid: "k1" });
    expect(asked[1]?.form["client_secret"]).toBeUndefined();
  });

  test("find the endpoint by the metadata of the issuer, and refuse one of another origin", async () => {
    const usual = answer;
    let endpoint = `${at}/deep/token`;
    answer = (request) => {
      if (request.path === "/.well-known/openid-configuration")
        return { body: { issuer: at, token_endpoint: endpoint } };
      return request.path.startsWith("/.well-known") ? { status: 404, body: "" } : usual(request);
    };
    const { headers } = await authorizer.open(place({ token_url: "", issuer: at }), context);
    expect(headers["authorization"]).toBe("Bearer access-1");
    expect(asked[0]?.path).toBe("/deep/token");
    endpoint = "https://evil.example/token";
    await expect(authorizer.open(place({ token_url: "", issuer: at, scope: "x" }), context)).rejects.toThrow(
      refusedAs("permission-denied", { message: expect.stringContaining("https://evil.example") }),
    );
    expect(asked).toHaveLength(1);
  });
});

describe("a refresh token", () => {
  beforeEach(() => {
    answer = ({ form }) => {
      if (form["refresh_token"] !== (asked.length === 1 ? "refresh-first" : `refresh-${asked.length - 1}`))
        return { status: 400, body: { error: "invalid_grant" } };
      return {
        body: {
          access_token: `access-${asked.length}`,
          refresh_token: `refresh-${asked.length}`,
          token_type: "bearer",
          expires_in: 60,
        },
      };
    };
  });
  const GRANT = { grant: "refresh_token", refresh_token_env_var: "R" };

  test("that rotates is never used twice, however many renew at once", async () => {
    await authorizer.open(place(GRANT), context);
    for (let round = 0; round < 3; round++)
      expect(await Promise.all([1, 2, 3].map(() => authorizer.renew(place(GRANT), context)))).toEqual([
        true,
        true,
        true,
      ]);
    expect(asked.map(({ form }) => form["refresh_token"])).toEqual([
      "refresh-first",
      "refresh-1",
      "refresh-2",
      "refresh-3",
    ]);
    const { headers } = await authorizer.open(place(GRANT), context);
    expect(headers["authorization"]).toBe("Bearer access-4");
    expect(secrets).toContain("refresh-4");
  });

  test("that does not rotate is used again", async () => {
    answer = () => ({ body: { access_token: "access", token_type: "Bearer" } });
    await authorizer.open(place(GRANT), context);
    await authorizer.renew(place(GRANT), context);
    expect(asked.map(({ form }) => form["refresh_token"])).toEqual(["refresh-first", "refresh-first"]);
  });

  test("that was refused is an error that names its variable", async () => {
    answer = () => ({ status: 400, body: { error: "invalid_grant", error_description: "used before" } });
    await expect(authorizer.open(place(GRANT), context)).rejects.toThrow(
      refusedAs("unauthenticated", {
        remedy: expect.stringContaining("R"),
        message: expect.stringContaining("used before"),
      }),
    );
  });
});

describe("a statement of somebody else's", () => {
  test("is what a workload gets its token with", async () => {
    const auth = { grant: "jwt_bearer", assertion_env_var: "W", client_secret_env_var: "", scope: "run" };
    await authorizer.open(place(auth, { W: "workload-statement" }), context);
    expect(asked[0]).toMatchObject({
      authorization: undefined,
      form: {
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: "workload-statement",
        client_id: "me",
        scope: "run",
      },
    });
    expect(secrets).toContain("workload-statement");
  });

  const EXCHANGE = { grant: "id_token_exchange", id_token_env_var: "I", idp_client_id: "at-home" };

  test("is exchanged for an identity token, which only the identity provider sees", async () => {
    answer = ({ path }) =>
      path === "/idp"
        ? { body: { access_token: "statement-of-idp", token_type: "N_A" } }
        : { body: { access_token: "access", token_type: "Bearer" } };
    const auth = {
      ...EXCHANGE,
      idp_token_url: `${at}/idp`,
      issuer: "https://issuer.example",
      resource: "https://shop.example",
    };
    await authorizer.open(place(auth, { ...ENV, I: "identity-token" }), context);
    expect(asked.map(({ path }) => path)).toEqual(["/idp", "/token"]);
    expect(asked[0]?.form).toMatchObject({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: "identity-token",
      audience: "https://issuer.example",
      resource: "https://shop.example",
      client_id: "at-home",
    });
    expect(asked[1]?.form).toMatchObject({ assertion: "statement-of-idp" });
    expect(JSON.stringify(asked[1])).not.toContain("identity-token");
    expect(JSON.stringify(asked[0])).not.toContain(btoa("me:client-secret"));
    for (const secret of ["identity-token", "statement-of-idp"]) expect(secrets).toContain(secret);
  });

  test("that is refused names the variable of the identity token", async () => {
    answer = () => ({ status: 400, body: { error: "invalid_grant", error_description: "too old" } });
    const auth = { ...EXCHANGE, idp_token_url: `${at}/idp` };
    await expect(authorizer.open(place(auth, { ...ENV, I: "identity-token" }), context)).rejects.toThrow(
      refusedAs("unauthenticated", { remedy: expect.stringContaining("What is in I is refused") }),
    );
  });

  test.each<[string, JsonObject]>([
    ["an assertion that is not named", { grant: "jwt_bearer" }],
    ["no identity provider", { grant: "id_token_exchange", id_token_env_var: "I", idp_client_id: "x" }],
    ["an identity provider in the clear", { ...EXCHANGE, idp_token_url: "http://idp.example/token" }],
  ])("%s is an invalid argument", (_what, auth) => {
    expect(() => place(auth, ENV)).toThrow(refusedAs("invalid-argument"));
  });
});

describe("an issuer", () => {
  test.each<[string, { status?: number; body: unknown; type?: string }, object]>([
    ["that refuses the client", { status: 401, body: { error: "invalid_client" } }, { code: "unauthenticated" }],
    ["that knows no such scope", { status: 400, body: { error: "invalid_scope" } }, { code: "rejected" }],
    ["that is down", { status: 503, body: "<html>" }, { code: "unavailable" }],
    ["that fails", { status: 500, body: "" }, { code: "unavailable" }],
    ["that is asked too often", { status: 429, body: "" }, { code: "rate-limited" }],
    ["that answers a page", { body: "<html>", type: "text/html" }, { code: "protocol-error" }],
    ["that answers no token", { body: {} }, { code: "protocol-error" }],
    [
      "that gives tokens of another type",
      { body: { access_token: "a", token_type: "mac" } },
      { code: "protocol-error" },
    ],
  ])("%s", async (_what, given, expected) => {
    answer = () => given;
    const error: unknown = await authorizer.open(place(), context).catch((refusal: unknown) => refusal);
    expect(error).toMatchObject(expected);
    expect(JSON.stringify(error)).not.toContain("client-secret");
  });

  test("that is not there is unavailable", async () => {
    const { port } = issuer.address() as AddressInfo;
    await new Promise((resolve) => issuer.close(resolve));
    const refused = place({ token_url: `http://127.0.0.1:${port}/token` });
    await expect(authorizer.open(refused, context)).rejects.toThrow(refusedAs("unavailable"));
    await new Promise<void>((resolve) => issuer.listen(port, "127.0.0.1", resolve));
  });

  test("is not asked where a variable is missing", async () => {
    await expect(authorizer.open(place({}, {}), context)).rejects.toThrow(
      refusedAs("unauthenticated", { remedy: "Set S." }),
    );
    expect(asked).toEqual([]);
  });
});

test("a place without OAuth opens with its own headers, and has nothing to renew", async () => {
  const block = { base_url: "https://shop.example", auth_env_var: "S" };
  const plain = readHttpPlace(capabilityWith("shop", block), askingContext(ENV), {
    provider: "shop",
    urlKey: "base_url",
  });
  expect(await authorizer.open(plain, context)).toEqual({
    headers: { authorization: "Bearer client-secret" },
    expiresAt: undefined,
  });
  expect(secrets).toContain("client-secret");
  expect(await authorizer.renew(plain, context)).toBe(false);
  expect(asked).toEqual([]);
});
