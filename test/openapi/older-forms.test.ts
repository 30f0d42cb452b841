import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createEnvironment } from "../../src/index.ts";
import { json, startService, type ScriptedService } from "./scripted-service.ts";

let service: ScriptedService;
beforeAll(async () => {
  service = await startService();
  service.on("GET /users/7", ({ url, headers }, response) =>
    json(response, { url, key: headers["x-key"] ?? null, auth: headers.authorization ?? null }),
  );
  service.on("POST /users/7", ({ body }, response) => json(response, JSON.parse(body)));
});
afterAll(() => service[Symbol.asyncDispose]());

async function call(form: string, input = { id: 7 } as Record<string, string | number>): Promise<unknown> {
  await using env = await createEnvironment({ capabilities: [], env: { USERS_KEY: "key-1" } });
  await env.capabilities.load(form.replaceAll("URL", service.url));
  return await env.call("users.get", input);
}

describe("a capability of older files", () => {
  test.each([
    ["a block without a word on sessions", ':metadata {:openapi {:base_url "URL" :path "/users/{id}" :method "GET"}}'],
    ["the block :endpoint", ':metadata {:endpoint {:base_url "URL" :path "/users/{id}" :method "get"}}'],
    [
      "keys written flat",
      ':metadata {:openapi_base_url "URL" :openapi_endpoint_path "/users/{id}" :openapi_endpoint_method "GET"}',
    ],
    ["a provider by its kind", ':provider {:type "http" :base_url "URL" :path "/users/{id}"}'],
    [
      "a provider by its name, and keys beside it",
      ':provider "HTTP" :metadata {:base_url "URL" :endpoint_path "/users/{id}"}',
    ],
  ])("declares an operation by %s", async (_name, fields) => {
    expect(await call(`(capability "users.get" :description "d" ${fields})`)).toMatchObject({ url: "/users/7" });
  });

  test("says who calls in its block :endpoint; without a kind, a place makes it a key", async () => {
    const with_ = (auth: string): Promise<unknown> =>
      call(
        `(capability "users.get" :description "d" :metadata {:endpoint {:base_url "URL" :path "/users/{id}" :auth ${auth}}})`,
      );
    expect(await with_('{:type "apiKey" :location "header" :param_name "X-Key" :env_var "USERS_KEY"}')).toMatchObject({
      key: "key-1",
    });
    expect(await with_('{:param "X-Key" :env_var "USERS_KEY"}')).toMatchObject({ key: "key-1" });
    expect(await with_('{:type "bearer" :env_var "USERS_KEY"}')).toMatchObject({ auth: "Bearer key-1" });
  });

  test("sends the rest of its input as JSON where its method has a body", async () => {
    const form =
      '(capability "users.get" :description "d" :metadata {:endpoint {:base_url "URL" :path "/users/{id}" :method "POST"}})';
    expect(await call(form, { id: 7, name: "Ada" })).toEqual({ name: "Ada" });
  });

  test("with code of its own runs that, unless its block asks for a session", async () => {
    const code = ':implementation (fn [in] "own code")';
    expect(
      await call(
        `(capability "users.get" :description "d" :metadata {:endpoint {:base_url "URL" :path "/users/{id}"}} ${code})`,
      ),
    ).toBe("own code");
    const asks = ':metadata {:endpoint {:base_url "URL" :path "/users/{id}" :requires_session "auto"}}';
    expect(await call(`(capability "users.get" :description "d" ${asks} ${code})`)).toMatchObject({ url: "/users/7" });
  });
});
