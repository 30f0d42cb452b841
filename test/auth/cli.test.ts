import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createPlace, type Ended, type Place } from "../cli/ccos-process.ts";
import { startOAuthWorld, type OAuthWorld } from "./oauth-world.ts";

let world: OAuthWorld;
let place: Place;
const ended: Ended[] = [];

beforeEach(async () => {
  world = await startOAuthWorld();
  place = await createPlace();
  await place.write({
    "capabilities/w.rtfs": `(capability "w.read" :description "d" :metadata {:mcp {:server_url "${world.url}" :tool_name "read" :requires_session "auto"}} :effects [:network])`,
  });
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await place.remove();
  for (const { stdout, stderr } of ended.splice(0)) expect(stdout + stderr).not.toContain("canary-");
});

async function run(...args: string[]): Promise<Ended> {
  const outcome = await place.ccos(args);
  ended.push(outcome);
  return outcome;
}

/** Signs in as somebody does who opens the address that is printed by hand. */
async function signIn(...args: string[]): Promise<Ended> {
  const running = place.start(["auth", "w.read", "--no-browser", ...args]);
  const address = await new Promise<string>((resolve) => {
    let text = "";
    running.child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const found = /^ {2}(http\S+)\n/m.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  await (await fetch(address)).text();
  const outcome = await running.ended;
  ended.push(outcome);
  return outcome;
}

describe("ccos auth", () => {
  test("signs in, tells who is signed in, is used by calls, and signs out", { timeout: 60_000 }, async () => {
    const nobody = await run("auth", "w.read", "--status");
    expect(nobody).toMatchObject({ code: 1, stdout: "Nobody is signed in.\n" });
    const first = await run("call", "w.read");
    expect(first.code).toBe(1);
    expect(first.stderr).toContain("ccos auth w.read");

    const signedIn = await signIn();
    expect(signedIn.code).toBe(0);
    expect(signedIn.stderr).toContain(`Signed in for ${world.url} at ${world.issuer}, renewed by itself.`);
    expect(signedIn.stdout).toBe("");

    expect(await run("call", "w.read")).toMatchObject({ code: 0, stdout: '"scope: read offline_access"\n' });
    const status = await run("auth", "w.read", "--status", "--json");
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      endpoint: world.url,
      issuer: world.issuer,
      scope: "read offline_access",
      renewable: true,
    });

    expect(await run("auth", "w.read", "--logout", "--json")).toMatchObject({
      code: 0,
      stdout: '{"signedOut":true}\n',
    });
    expect((await run("auth", "w.read", "--logout")).stderr).toContain("Nobody was signed in.");
    expect((await run("call", "w.read")).code).toBe(1);
  });

  test("signs in at a server that nothing was imported from, by its address", { timeout: 60_000 }, async () => {
    const running = place.start(["auth", world.url, "--device"]);
    await running.said("ABCD-EFGH");
    const outcome = await running.ended;
    ended.push(outcome);
    expect(outcome).toMatchObject({ code: 0 });
    expect(await run("call", "w.read")).toMatchObject({ code: 0 });
    expect(await run("import", "mcp", world.url, "--out", "imported", "--prefix", "x")).toMatchObject({ code: 0 });
    expect(await run("call", "x.read", "--capabilities", "imported")).toMatchObject({ code: 0 });
  });

  test("is what an import of a server that wants it asks for", { timeout: 60_000 }, async () => {
    const refused = await run("import", "mcp", world.url, "--out", "imported");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`ccos auth ${world.url}`);
  });

  test("opens the browser that the user names, with the address as its one argument", { timeout: 60_000 }, async () => {
    await place.write({
      "browser.mjs": `#!${process.execPath}\nif (process.argv.length === 3) await (await fetch(process.argv[2])).text();\n`,
    });
    const browser = join(place.folder, "browser.mjs");
    await chmod(browser, 0o755);
    const outcome = await place.ccos(["auth", "w.read"], { env: { BROWSER: browser } });
    ended.push(outcome);
    expect(outcome.stderr).toContain("A browser is opening.");
    expect(outcome.code).toBe(0);
  });

  test("processes that need a new token at once ask for one", { timeout: 60_000 }, async () => {
    await signIn();
    world.expire();
    world.dials.tokenDelayMs = 300;
    const outcomes = await Promise.all([1, 2, 3].map(() => run("call", "w.read")));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(world.grants.filter((grant) => grant === "refresh_token")).toHaveLength(1);
    expect(world.reused).toBe(0);
    const kept = join(place.env["HOME"] as string, ".config", "ccos", "sign-ins");
    expect((await readdir(kept)).filter((name) => !/^[0-9a-f]{64}\.json$/.test(name))).toEqual([]);
  });

  test("Ctrl-C ends the waiting", { timeout: 60_000 }, async () => {
    const running = place.start(["auth", "w.read", "--no-browser"]);
    await running.said("Go on at");
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(130);
  });

  test.each([
    [["auth", "w.read", "--status", "--logout"], 2],
    [["auth", "w.read", "--port", "many"], 2],
    [["auth", "w.nothing"], 1],
    [["auth"], 2],
  ])("%j is refused", async (args, code) => {
    expect((await run(...args)).code).toBe(code);
  });
});
