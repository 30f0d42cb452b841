import { describe, expect, test } from "vitest";

import { askingContext, capabilityWith } from "../../testing/place-asker.ts";
import type { JsonObject } from "../kernel/index.ts";
import { readHttpPlace, withQuery, type HttpPlace, type HttpPlaceRules } from "./place.ts";

const RULES: HttpPlaceRules = { provider: "shop", urlKey: "base_url", aliases: { base_url: ["endpoint"] } };
const AT = { base_url: "https://shop.example/v1" };
const read = (block: JsonObject, env: Record<string, string> = {}, rules = RULES): HttpPlace =>
  readHttpPlace(capabilityWith("shop", { ...AT, ...block }), askingContext(env), rules);

const refusedAs = (code: string) => expect.objectContaining({ code });

describe("where", () => {
  test("is the declared URL, under an older spelling too, without its fragment", () => {
    const block = { endpoint: "https://old.example/api#part" };
    const place = readHttpPlace(capabilityWith("shop", block), askingContext(), RULES);
    expect(place.url.href).toBe("https://old.example/api");
    expect(place.target.endpoint).toBe("https://old.example/api");
  });

  test("is the variable that the capability names for it, which has to be authorised", () => {
    const context = askingContext({ SHOP_URL: "http://127.0.0.1:7/v2" });
    const block = { ...AT, base_url_override_env: "SHOP_URL" };
    expect(readHttpPlace(capabilityWith("shop", block), context, RULES).url.href).toBe("http://127.0.0.1:7/v2");
    expect(context.asked.endpoints).toEqual([["http://127.0.0.1:7", "SHOP_URL"]]);
  });

  test("stays the declared one where that variable is empty", () => {
    expect(read({ base_url_override_env: "SHOP_URL" }, { SHOP_URL: "" }).url.href).toBe("https://shop.example/v1");
  });

  test.each(["ftp://shop.example", "shop", "https://ann:pw@shop.example", "ws://shop.example"])(
    "cannot be %s",
    (base_url) => {
      expect(() => read({ base_url })).toThrow(refusedAs("invalid-argument"));
    },
  );

  test("has the schemes of the provider", () => {
    const rules = { ...RULES, schemes: ["ws:", "wss:"] };
    expect(read({ base_url: "wss://shop.example/feed" }, {}, rules).url.href).toBe("wss://shop.example/feed");
    expect(() => read({}, {}, rules)).toThrow("no ws or wss URL");
  });

  test("has to be declared", () => {
    expect(() => readHttpPlace(capabilityWith("shop", {}), askingContext(), RULES)).toThrow("names no server");
  });
});

describe("as whom", () => {
  test("a named variable is sent as a bearer token to that origin", () => {
    const context = askingContext({ SHOP_TOKEN: "t-123456\n" });
    const place = readHttpPlace(capabilityWith("shop", { ...AT, auth_env_var: "SHOP_TOKEN" }), context, RULES);
    expect(place.headers).toEqual({ authorization: "Bearer t-123456" });
    expect(place.target.credentials).toEqual({ token: "t-123456" });
    expect(place.target.credentialSource).toBe("SHOP_TOKEN");
    expect(place.secrets).toContain("t-123456");
    expect(context.asked.secrets).toEqual([["SHOP_TOKEN", { origin: "https://shop.example" }]]);
  });

  test("a key in the query is kept apart from the URL that people see", () => {
    const place = read({ auth: { type: "api-key", in: "query", name: "key", env_var: "K" } }, { K: "s3cret&more" });
    expect(place.target.endpoint).toBe("https://shop.example/v1");
    expect(withQuery(place.url, place.query).href).toBe("https://shop.example/v1?key=s3cret%26more");
    expect(place.secrets).toEqual(["s3cret&more", "s3cret%26more"]);
    expect(JSON.stringify(place.target.shape)).not.toContain("s3cret");
  });

  test("a key in a header may have a word before it", () => {
    const auth = { type: "api-key", name: "Authorization", prefix: "Token", env_var: "K" };
    expect(read({ auth }, { K: "abcdef" }).headers).toEqual({ authorization: "Token abcdef" });
  });

  test("a vector of ways sends all of them, and all of them are the identity", () => {
    const auth: JsonObject[] = [
      { type: "bearer", env_var: "A" },
      { type: "api-key", name: "X-App", env_var: "B" },
      { type: "api-key", location: "cookie", name: "one", env_var: "C" },
      { type: "api-key", location: "cookie", name: "two", env_var: "C" },
    ];
    const place = read({ auth }, { A: "aaaaaa", B: "bbbbbb", C: "cccccc" });
    expect(place.headers).toEqual({
      authorization: "Bearer aaaaaa",
      "x-app": "bbbbbb",
      cookie: "one=cccccc; two=cccccc",
    });
    expect(Object.values(place.target.credentials).toSorted()).toEqual(["aaaaaa", "bbbbbb", "cccccc", "cccccc"]);
  });

  test.each<[string, JsonObject]>([
    ["two of one header", { auth: [{ env_var: "A" }, { type: "basic", env_var: "B" }] }],
    ["a list of something else", { auth: ["bearer"] }],
    ["an empty list", { auth: [] }],
    [
      "a header that :headers sets, too",
      { auth: { type: "api-key", name: "X-A", env_var: "A" }, headers: { "x-a": "1" } },
    ],
    ["a user without a password", { auth: { type: "basic", env_var: "A" } }],
    ["an unknown kind", { auth: { type: "magic", env_var: "A" } }],
  ])("%s is an invalid argument", (_what, block) => {
    expect(() => read(block, { A: "aaaaaa", B: "b:bbbbb" })).toThrow(refusedAs("invalid-argument"));
  });

  test("nobody, where the variable is not set: it is named all the same", () => {
    const place = read({ auth_env_var: "SHOP_TOKEN" });
    expect(place.headers).toEqual({});
    expect(place.target).toMatchObject({ credentials: {}, credentialSource: "SHOP_TOKEN" });
  });

  test("a secret that stands in the file does not travel in the clear", () => {
    expect(() => read({ base_url: "http://shop.example", auth_token: "in-the-file" })).toThrow(
      refusedAs("permission-denied"),
    );
    const rules = { ...RULES, schemes: ["ws:", "wss:"] };
    expect(() => read({ base_url: "ws://shop.example", auth_token: "in-the-file" }, {}, rules)).toThrow(
      expect.objectContaining({ remedy: "Use a wss URL." }),
    );
    expect(read({ base_url: "wss://shop.example", auth_token: "in-the-file" }, {}, rules).headers).toEqual({
      authorization: "Bearer in-the-file",
    });
  });
});

describe("with what", () => {
  test("headers shape the session; those that the protocol decides are refused", () => {
    const place = read({ headers: { "X-Tenant": "acme" } });
    expect(place.headers).toEqual({ "x-tenant": "acme" });
    expect(place.target.shape["headers"]).toBe('{"x-tenant":"acme"}');
    const rules = { ...RULES, reserved: ["accept", "shop-*"] };
    for (const name of ["Accept", "Shop-Session", "Host"])
      expect(() => read({ headers: { [name]: "x" } }, {}, rules)).toThrow("belongs to the protocol");
  });

  test("answers have at most 32 MiB, or what the capability or the configuration says", () => {
    expect(read({}).maxResponseBytes).toBe(32 * 1024 * 1024);
    expect(read({ max_response_bytes: 2048 }).maxResponseBytes).toBe(2048);
    const configured = askingContext({}, { max_response_bytes: 4096 });
    expect(readHttpPlace(capabilityWith("shop", AT), configured, RULES).maxResponseBytes).toBe(4096);
    expect(() => read({ max_response_bytes: 7 })).toThrow(refusedAs("invalid-argument"));
  });
});

describe("tokens that are fetched", () => {
  const OAUTH = { type: "oauth2", token_url: "https://id.example/token", client_id: "me", client_secret_env_var: "S" };

  test("their secret goes to the token endpoint's origin, and to no other", () => {
    const context = askingContext({ S: "client-secret" });
    const place = readHttpPlace(capabilityWith("shop", { ...AT, auth: OAUTH }), context, RULES);
    expect(context.asked.secrets).toEqual([["S", { origin: "https://id.example" }]]);
    expect(place.headers).toEqual({});
    expect(place.target.credentials).toEqual({ client_id: "me", client_secret: "client-secret" });
    expect(place.target.credentialSource).toBe("S");
    expect(place.credential.oauth).toMatchObject({
      grant: "client_credentials",
      clientAuthentication: "client_secret_basic",
    });
    expect(JSON.stringify(place.target.shape)).not.toContain("client-secret");
  });

  test("of a capability that is not trusted need a secret that may go where the token goes", () => {
    const context = askingContext({ S: "client-secret" });
    readHttpPlace(capabilityWith("shop", { ...AT, auth: OAUTH }, false), context, RULES);
    expect(context.asked.secrets.map(([, { origin }]) => origin)).toEqual([
      "https://id.example",
      "https://shop.example",
    ]);
  });

  test.each<[string, JsonObject, string]>([
    ["client credentials by default", {}, "client_credentials"],
    ["a refresh token where one is named", { refresh_token_env_var: "R" }, "refresh_token"],
    ["what :grant says", { grant: "refresh_token", env_var: "R" }, "refresh_token"],
    ["what OpenAPI calls it", { flow: "clientCredentials" }, "client_credentials"],
  ])("are obtained by %s", (_what, auth, grant) => {
    const place = read({ auth: { ...OAUTH, ...auth } }, { S: "client-secret", R: "refresh-me" });
    expect(place.credential.oauth?.grant).toBe(grant);
  });

  test.each<[string, JsonObject]>([
    ["no endpoint", { token_url: "" }],
    ["an endpoint in the clear", { token_url: "http://id.example/token" }],
    ["no client", { client_id: "" }],
    ["no secret", { client_secret_env_var: "" }],
    ["an unknown grant", { grant: "password" }],
    ["a key for assertions that is not named", { client_auth: "private_key_jwt" }],
  ])("%s is an invalid argument", (_what, auth) => {
    expect(() => read({ auth: { ...OAUTH, ...auth } }, { S: "x" })).toThrow(refusedAs("invalid-argument"));
  });

  test("do not travel in the clear", () => {
    expect(() => read({ base_url: "http://shop.example", auth: OAUTH }, { S: "x" })).toThrow(
      refusedAs("permission-denied"),
    );
  });

  test("name the variable that is not set", () => {
    expect(read({ auth: OAUTH }).credential.oauth?.missing).toBe("S");
  });

  test("of different scopes are different identities", () => {
    const [one, two] = ["read", ["read", "write"]].map((scope) => read({ auth: { ...OAUTH, scope } }, { S: "x" }));
    expect(one?.target.shape).not.toEqual(two?.target.shape);
    expect(two?.credential.oauth?.scope).toBe("read write");
  });
});
