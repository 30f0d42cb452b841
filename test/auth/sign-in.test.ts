import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { SignInStore } from "../../src/http/index.ts";
import type { SignInDialog } from "../../src/session/index.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { startOAuthWorld, type OAuthWorld } from "./oauth-world.ts";

let world: OAuthWorld;
let folder: string;
let env: CCOSEnvironment;
const said: string[] = [];

const refusedAs = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

async function open(more: Parameters<typeof createEnvironment>[0] = {}): Promise<CCOSEnvironment> {
  const opened = await createEnvironment({
    env: { CCOS_AUTH_DIR: join(folder, "kept", "sign-ins"), HOME: folder },
    cwd: folder,
    capabilities: [],
    onWarning: (warning) => said.push(JSON.stringify(warning)),
    ...more,
  });
  for (const event of ["sessionOpened", "sessionOpenFailed", "attemptEnded", "callEnded", "sessionClosed"] as const)
    opened.on(event, (fact) => said.push(JSON.stringify(fact)));
  await opened.capabilities.load(declare("read") + declare("admin") + declare("echo-token"));
  return opened;
}

function declare(tool: string, auth = ""): string {
  return `(capability "w.${tool}" :description "d" :metadata {:mcp {:server_url "${world.url}" :tool_name "${tool}" :requires_session "auto" ${auth}}} :effects [:network])\n`;
}

/** A person whose browser follows where it is sent. */
const person: SignInDialog = { visit: async (url) => void (await (await fetch(url)).text()) };

beforeEach(async () => {
  said.length = 0;
  world = await startOAuthWorld();
  folder = await mkdtemp(join(tmpdir(), "ccos-sign-in-"));
  env = await open();
});

afterEach(async () => {
  await env.close();
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  // Whatever a test did: no secret of the issuer's has come out of it.
  expect(said.filter((text) => text.includes("canary-"))).toEqual([]);
});

describe("signing in", () => {
  test("is what a refused call tells people to do, and after it the call works", async () => {
    await expect(env.call("w.read")).rejects.toThrow(
      refusedAs("unauthenticated", { remedy: expect.stringContaining("ccos auth w.read") }),
    );
    const state = await env.signIns.signIn("w.read", person);
    expect(state).toMatchObject({
      endpoint: world.url,
      issuer: world.issuer,
      renewable: true,
      scope: "read offline_access",
    });
    expect(await env.call("w.read")).toBe("scope: read offline_access");
    expect(JSON.stringify(state)).not.toContain("canary");
    expect(world.registrations[0]).toMatchObject({ application_type: "native", client_name: "ccos" });
  });

  test("is kept for other processes, in a file that nobody else can read", async () => {
    await env.signIns.signIn("w.read", person);
    const kept = join(folder, "kept", "sign-ins");
    expect((await stat(kept)).mode & 0o777).toBe(0o700);
    const [file = "", ...others] = await readdir(kept);
    expect(others).toEqual([]);
    expect((await stat(join(kept, file))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(kept, file), "utf8")).toContain("canary-refresh");
    await using another = await open();
    expect(await another.call("w.read")).toContain("scope: read");
    expect(world.grants).toEqual(["authorization_code"]);
  });

  test("is not believed from a file that others could have written", async () => {
    await env.signIns.signIn("w.read", person);
    const kept = join(folder, "kept", "sign-ins");
    const [file = ""] = await readdir(kept);
    await chmod(join(kept, file), 0o644);
    await using another = await open();
    await expect(another.call("w.read")).rejects.toThrow(refusedAs("store-error"));
  });

  test("that somebody refuses is refused", async () => {
    world.dials.agrees = false;
    await expect(env.signIns.signIn("w.read", person)).rejects.toThrow(refusedAs("rejected"));
    expect(await env.signIns.state("w.read")).toBeUndefined();
  });

  test("ends where nobody comes back in time, and lets go of its port", async () => {
    const nobody = { visit: () => {}, waitMs: 50 };
    await expect(env.signIns.signIn("w.read", nobody)).rejects.toThrow(refusedAs("deadline-exceeded"));
  });

  test("is given up with its signal", async () => {
    const controller = new AbortController();
    const visit = (): void => controller.abort();
    await expect(env.signIns.signIn("w.read", { visit }, { signal: controller.signal })).rejects.toThrow(
      refusedAs("canceled"),
    );
  });

  test("hears only the answer to its own question", async () => {
    let statuses: number[] = [];
    const visit = async (url: URL): Promise<void> => {
      const back = url.searchParams.get("redirect_uri") ?? "";
      const forged = [`${back}?code=x&state=guessed`, `${back}?code=x`, back.replace("/callback", "/other")];
      statuses = await Promise.all(forged.map(async (address) => (await fetch(address)).status));
      await person.visit(url);
    };
    await env.signIns.signIn("w.read", { visit });
    expect(statuses).toEqual([400, 400, 404]);
    expect(world.grants).toEqual(["authorization_code"]);
  });

  test("does not try a code again that was refused", async () => {
    world.dials.refusesCodes = true;
    await expect(env.signIns.signIn("w.read", person)).rejects.toThrow(refusedAs("unauthenticated"));
    expect(world.grants).toEqual(["authorization_code"]);
  });

  test("registers once: the next time the same client comes back to the same port", async () => {
    await env.signIns.signIn("w.read", person);
    await env.signIns.signIn("w.read", person);
    expect(world.registrations).toHaveLength(1);
  });

  test("as another one is another identity, with a session of its own", async () => {
    await env.signIns.signIn("w.read", person);
    await env.call("w.read");
    const [first] = env.sessions.list();
    await env.signIns.signIn("w.read", person);
    await env.call("w.read");
    const identities = new Set(env.sessions.list().map(({ identity }) => identity));
    expect(first).toBeDefined();
    expect([...identities].filter((identity) => identity !== first?.identity)).toHaveLength(1);
  });

  test("needs a client that is named where the issuer registers none", async () => {
    world.dials.registers = false;
    await expect(env.signIns.signIn("w.read", person)).rejects.toThrow(
      refusedAs("rejected", { remedy: expect.stringContaining(":client_id") }),
    );
    await env.capabilities.load(
      declare("named", ':auth {:type "oauth2" :grant "authorization_code" :client_id "by-hand"}'),
    );
    expect(await env.signIns.signIn("w.named", person)).toMatchObject({ endpoint: world.url });
    expect(await env.call("w.read")).toContain("scope: read");
  });

  test("asks for nothing where the server's metadata is for another server", async () => {
    world.dials.resource = "https://other.example/mcp";
    await expect(env.signIns.signIn("w.read", person)).rejects.toThrow(refusedAs("permission-denied"));
    expect(world.grants).toEqual([]);
  });

  test("by a code that is typed in elsewhere waits until it is", async () => {
    const shown: [string, string | undefined][] = [];
    const state = await env.signIns.signIn("w.read", {
      device: true,
      visit: (url, code) => void shown.push([url.pathname, code]),
    });
    expect(shown).toEqual([["/activate", "ABCD-EFGH"]]);
    expect(state).toMatchObject({ renewable: true, scope: "read offline_access" });
    expect(await env.call("w.read")).toContain("scope: read");
    expect(world.grants).toHaveLength(2);
  });

  test("by a code that was refused is refused", async () => {
    world.dials.agrees = false;
    await expect(env.signIns.signIn("w.read", { device: true, visit: () => {} })).rejects.toThrow(
      refusedAs("rejected"),
    );
  });
});

test("the doctor knows of a sign-in, and that it works", async () => {
  await env.signIns.signIn("w.read", person);
  const [found] = await env.diagnose({ id: "w.read" });
  const checks = Object.fromEntries(
    (found?.checks ?? []).map(({ name, status, message }) => [name, `${status}: ${message}`]),
  );
  expect(checks).toMatchObject({
    "sign-in": `ok: Somebody signed in at ${world.issuer}; it is renewed by itself.`,
    credential: "ok: It was accepted.",
  });
  said.push(JSON.stringify(found));
});

describe("a token", () => {
  test("that has ended is renewed before it is used, once for all who need it", async () => {
    await env.signIns.signIn("w.read", person);
    world.expire();
    const answers = await Promise.all(Array.from({ length: 12 }, () => env.call("w.read")));
    expect(new Set(answers)).toEqual(new Set(["scope: read offline_access"]));
    expect(world.grants).toEqual(["authorization_code", "refresh_token"]);
    expect(world.reused).toBe(0);
  });

  test("that is about to end is renewed ahead of its end, without a refusal", async () => {
    const clock = createFakeClock({ now: Date.now() });
    await using timed = await open({ clock });
    const signing = timed.signIns.signIn("w.read", person);
    expect((await signing).expiresAt).toBe(clock.now() + 3_600_000);
    await timed.call("w.read");
    await clock.advance(3_600_000 - 20_000);
    await timed.call("w.read");
    expect(world.grants).toEqual(["authorization_code", "refresh_token"]);
  });

  test("that cannot be renewed is used until its end, and then people are told to sign in anew", async () => {
    world.dials.renews = false;
    const clock = createFakeClock({ now: Date.now() });
    await using timed = await open({ clock });
    expect(await timed.signIns.signIn("w.read", person)).toMatchObject({ renewable: false });
    await timed.call("w.read");
    await clock.advance(3_595_000);
    await timed.call("w.read");
    await clock.advance(5_000);
    await expect(timed.call("w.read")).rejects.toThrow(
      refusedAs("unauthenticated", {
        message: expect.stringContaining("has ended"),
        remedy: expect.stringContaining("ccos auth"),
      }),
    );
    expect(world.grants).toEqual(["authorization_code"]);
  });

  test("is renewed once by several processes at once", async () => {
    await env.signIns.signIn("w.read", person);
    world.dials.tokenDelayMs = 150;
    world.expire();
    const others = await Promise.all([open(), open(), open()]);
    try {
      const answers = await Promise.all([env, ...others].map((one) => one.call("w.read")));
      expect(new Set(answers)).toEqual(new Set(["scope: read offline_access"]));
      expect(world.grants.filter((grant) => grant === "refresh_token")).toHaveLength(1);
      expect(world.reused).toBe(0);
    } finally {
      await Promise.all(others.map((one) => one.close()));
    }
  });

  test.each([500, 503])(
    "that cannot be renewed now, as the issuer says %i, is renewed when it is well again",
    async (status) => {
      await env.signIns.signIn("w.read", person);
      world.expire();
      world.dials.tokenStatus = status;
      await expect(env.call("w.read")).rejects.toThrow(refusedAs("unavailable"));
      world.dials.tokenStatus = 0;
      expect(await env.call("w.read")).toContain("scope: read");
    },
  );

  test("that cannot be renewed any more tells people to sign in anew, and works when they have", async () => {
    await env.signIns.signIn("w.read", person);
    world.expire();
    world.forget();
    await expect(env.call("w.read")).rejects.toThrow(
      refusedAs("unauthenticated", { remedy: expect.stringContaining("ccos auth w.read") }),
    );
    await env.signIns.signIn("w.read", person);
    expect(await env.call("w.read")).toContain("scope: read");
  });

  test("that does not reach far enough names the scope, and a wider sign-in keeps what there was", async () => {
    await env.signIns.signIn("w.read", person);
    await expect(env.call("w.admin")).rejects.toThrow(
      refusedAs("unauthenticated", {
        remedy: expect.stringContaining('ccos auth w.admin --scope "admin"'),
        details: expect.objectContaining({ requiredScope: "admin" }),
      }),
    );
    expect(world.grants).toEqual(["authorization_code"]);
    const { scope } = await env.signIns.signIn("w.admin", person);
    expect(scope?.split(" ").toSorted()).toEqual(["admin", "offline_access", "read"]);
    expect(await env.call("w.admin")).toContain("admin");
  });

  test("that a server quotes is not shown", async () => {
    await env.signIns.signIn("w.read", person);
    const error: unknown = await env.call("w.echo-token").catch((refusal: unknown) => refusal);
    expect(String(error)).toContain("you sent");
    said.push(String(error), JSON.stringify(error));
  });

  test("of a variable is used rather than a sign-in", async () => {
    await env.signIns.signIn("w.read", person);
    const variables = { CCOS_AUTH_DIR: join(folder, "kept", "sign-ins"), HOME: folder, MINE: "canary-of-mine" };
    await using named = await open({ env: variables });
    await named.capabilities.load(declare("mine", ':auth_env_var "MINE"'));
    await expect(named.call("w.mine")).rejects.toThrow(
      refusedAs("unauthenticated", { remedy: expect.stringContaining("MINE") }),
    );
  });
});

describe("a capability that is not trusted", () => {
  test("does not use the sign-in for another machine", async () => {
    const endpoint = "https://elsewhere.example/mcp";
    await new SignInStore(join(folder, "kept", "sign-ins")).write({
      id: "one",
      endpoint,
      issuer: "https://elsewhere.example",
      accessToken: "canary-elsewhere",
      tokenType: "Bearer",
      obtainedAt: 0,
      details: {},
    });
    await mkdir(join(folder, "capabilities"));
    const text = declare("read").replace(world.url, endpoint).replace("w.read", "e.read");
    await writeFile(join(folder, "capabilities", "x.rtfs"), text);
    await using found = await createEnvironment({
      cwd: folder,
      env: { CCOS_AUTH_DIR: join(folder, "kept", "sign-ins"), HOME: folder },
      onWarning: () => {},
    });
    await expect(found.call("e.read")).rejects.toThrow(
      refusedAs("permission-denied", { message: expect.stringContaining("may not use the sign-in") }),
    );
  });
});

describe("signing out", () => {
  test("forgets the tokens, tells the issuer, and ends what calls are made as", async () => {
    await env.signIns.signIn("w.read", person);
    await env.call("w.read");
    expect(await env.signIns.signOut("w.read")).toBe(true);
    expect(world.revoked.map((token) => token.slice(0, 14))).toEqual(["canary-refresh", "canary-access-"]);
    expect(await readdir(join(folder, "kept", "sign-ins"))).toEqual([]);
    await expect(env.call("w.read")).rejects.toThrow(refusedAs("unauthenticated"));
    expect(await env.signIns.signOut("w.read")).toBe(false);
  });
});

test("a provider that signs nobody in says so", async () => {
  await env.capabilities.load(
    `(capability "g.q" :description "d" :metadata {:grpc {:target "127.0.0.1:1" :service "S" :method "M" :requires_session "true"}} :effects [:network])`,
  );
  await expect(env.signIns.signIn("g.q", person)).rejects.toThrow(refusedAs("unimplemented"));
});
