import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { isSameKeeper } from "../../src/providers/mcp/authorization.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake-clock.ts";
import { startOAuthWorld, type OAuthWorld } from "./oauth-world.ts";

let world: OAuthWorld;
let folder: string;
let env: CCOSEnvironment;
let clock: FakeClock;

beforeEach(async () => {
  world = await startOAuthWorld();
  folder = await mkdtemp(join(tmpdir(), "ccos-machines-"));
  clock = createFakeClock({ now: Date.now() });
  env = await createEnvironment({ clock, env: { S: "canary-secret", HOME: folder }, cwd: folder, capabilities: [] });
  const auth = `:auth {:type "oauth2" :client_id "machine" :client_secret_env_var "S"}`;
  for (const tool of ["read", "admin"])
    await env.capabilities.load(
      `(capability "w.${tool}" :description "d" :metadata {:mcp {:server_url "${world.url}" :tool_name "${tool}" :requires_session "auto" ${auth}}} :effects [:network])`,
    );
});

afterEach(async () => {
  await env.close();
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe("a machine at a server that names its issuer", () => {
  test("gets a token there, for all of its calls at once", async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => env.call("w.read")));
    expect(new Set(answers)).toEqual(new Set(["scope: read"]));
    expect(world.grants).toEqual(["client_credentials"]);
  });

  test("gets another one when the first is refused, and its calls do not fail of it", async () => {
    await env.call("w.read");
    world.expire();
    expect(await Promise.all([1, 2, 3].map(() => env.call("w.read")))).toEqual(Array(3).fill("scope: read"));
    expect(world.grants).toEqual(["client_credentials", "client_credentials"]);
  });

  test("gets another one before the first ends", async () => {
    await env.call("w.read");
    await clock.advance(3_590_000);
    await env.call("w.read");
    expect(world.grants).toEqual(["client_credentials", "client_credentials"]);
    expect(world.paths.filter((path) => path.endsWith("/mcp"))).toHaveLength(1);
  });

  test("that lacks a scope gets a token with it, too, and the call goes through", async () => {
    await env.call("w.read");
    expect(await env.call("w.admin")).toBe("scope: admin");
    expect(world.grants).toEqual(["client_credentials", "client_credentials"]);
  });

  test("is not told to sign in as a person", async () => {
    await expect(env.signIns.signIn("w.read", { visit: () => {} })).rejects.toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });
});

test.each([
  ["https://a.example/mcp", "https://a.example/token", true],
  ["https://a.example/mcp", "https://b.example/token", false],
  ["https://a.example/mcp", "https://a.example:444/token", false],
  ["https://a.example/mcp", "http://127.0.0.1/token", false],
  ["http://127.0.0.1:1/mcp", "http://localhost:2/token", true],
])("a secret for %s may go to %s, where the server points to it: %s", (declared, found, may) => {
  expect(isSameKeeper(new URL(declared), new URL(found))).toBe(may);
});
