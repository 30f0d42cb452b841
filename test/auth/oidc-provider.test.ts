import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { Authorizer, createDispatcher, readHttpPlace } from "../../src/http/index.ts";
import { systemClock, type JsonObject } from "../../src/kernel/index.ts";
import type { SessionContext } from "../../src/session/handler.ts";
import { askingContext, capabilityWith } from "../../testing/place-asker.ts";
import { peersInstalled } from "../peers/peers.ts";
import { startOidcServer, type OidcServer } from "./oidc-server.ts";

const SECRET = "a secret: with % and + in it, forty chars";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const machine = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };
const CLIENTS = [
  { client_id: "basic", client_secret: SECRET, ...machine },
  { client_id: "post", client_secret: SECRET, token_endpoint_auth_method: "client_secret_post", ...machine },
  {
    client_id: "key",
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" }] },
    ...machine,
  },
];

let server: OidcServer;
let folder: string;
let env: CCOSEnvironment;

describe.skipIf(!peersInstalled)("against oidc-provider (needs npm run peers)", () => {
  beforeAll(async () => {
    server = await startOidcServer(CLIENTS);
    folder = await mkdtemp(join(tmpdir(), "ccos-oidc-"));
    env = await createEnvironment({ env: { CCOS_AUTH_DIR: folder }, cwd: folder, capabilities: [] });
    await env.capabilities.load(
      `(capability "o.read" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "read" :requires_session "auto"}} :effects [:network])`,
    );
  });
  afterAll(async () => {
    await env.close();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test.each<[string, JsonObject, string]>([
    ["a secret in a header", { client_id: "basic", client_secret_env_var: "S" }, SECRET],
    [
      "a secret in the form",
      { client_id: "post", client_secret_env_var: "S", client_auth: "client_secret_post" },
      SECRET,
    ],
    [
      "a signed assertion, from PEM",
      { client_id: "key", private_key_env_var: "S", key_id: "k1" },
      privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    ],
    [
      "a signed assertion, from a JWK",
      { client_id: "key", private_key_env_var: "S" },
      JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid: "k1" }),
    ],
  ])("a machine gets a token by %s", async (_how, auth, secret) => {
    const block = { base_url: "https://shop.example", auth: { type: "oauth2", issuer: server.issuer, ...auth } };
    const asking = askingContext({ S: secret });
    const place = readHttpPlace(capabilityWith("shop", block), asking, { provider: "shop", urlKey: "base_url" });
    const dispatcher = await createDispatcher();
    const authorizer = new Authorizer({ dispatcher: () => Promise.resolve(dispatcher) });
    const context = { clock: systemClock, addSecret() {} } as unknown as SessionContext;
    const { headers, expiresAt } = await authorizer.open(place, context);
    expect(headers["authorization"]).toMatch(/^Bearer \S{20,}$/);
    expect(expiresAt).toBeGreaterThan(Date.now() + 500_000);
    await dispatcher.destroy();
  });

  test("a person signs in, calls, is renewed with rotating tokens, and signs out", async () => {
    const state = await env.signIns.signIn("o.read", { visit: (url) => server.browse(url), waitMs: 10_000 });
    expect(state).toMatchObject({ issuer: server.issuer, renewable: true });
    expect(server.events).toContain("registration_create.success");
    expect(await env.call("o.read")).toContain("for ");

    // A process that finds the token refused has it renewed; the one after that uses the token that came of it.
    const { SignInStore } = await import("../../src/http/index.ts");
    const store = new SignInStore(folder);
    for (let round = 0; round < 3; round++) {
      const record = store.read(server.url);
      await store.write({ ...(record as NonNullable<typeof record>), accessToken: "ended", expiresAt: Date.now() - 1 });
      await using another = await createEnvironment({ env: { CCOS_AUTH_DIR: folder }, cwd: folder, capabilities: [] });
      await another.capabilities.load(
        `(capability "o.read" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "read" :requires_session "auto"}} :effects [:network])`,
      );
      expect(await another.call("o.read")).toContain("for ");
    }
    expect(server.events.filter((event) => event === "grant.error")).toEqual([]);

    expect(await env.signIns.signOut("o.read")).toBe(true);
    await expect(env.call("o.read")).rejects.toThrow(expect.objectContaining({ code: "unauthenticated" }));
  });

  test("a person signs in by a code on another device", async () => {
    let code: string | undefined;
    await env.signIns.signIn("o.read", {
      device: true,
      async visit(url, shown) {
        code = shown;
        await server.browse(url);
      },
    });
    expect(code).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
    expect(await env.call("o.read")).toContain("for ");
  });
});
