import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/index.ts";
import { startMcpServer, text, type McpServer } from "../../testing/mcp-server.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";

let server: McpServer;
let place: Place;
let file: string;

beforeEach(async () => {
  place = await createPlace();
  server = await startMcpServer({
    tools: [{ name: "echo", inputSchema: { type: "object" }, run: (input) => text(`heard ${String(input["text"])}`) }],
  });
  file = join(place.folder, "sessions.db");
  await place.write({ "caps/echo.rtfs": capability("t.echo") });
});
afterEach(async () => {
  await server.stop();
  await place.remove();
});

function capability(id: string, more = ""): string {
  return `(capability "${id}" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "echo" :requires_session "auto" :auth_env_var "TOKEN"} ${more}} :effects [:network])`;
}

async function open(token?: string): Promise<CCOSEnvironment> {
  return await createEnvironment({
    env: { TOKEN: token },
    config: {},
    cwd: place.folder,
    capabilities: ["caps"],
    store: "sqlite:sessions.db",
  });
}

describe("a session in a store", () => {
  test("is gone on with by the next process, without another handshake", async () => {
    for (let n = 0; n < 5; n++) {
      await using env = await open();
      const { session, value } = await env.callDetailed("t.echo", { text: `call ${n}` });
      expect([value, session?.reused]).toEqual([`heard call ${n}`, n > 0]);
    }
    expect(server.counts).toMatchObject({ initialize: 1, executed: 5, delete: 0 });
  });

  test("is replaced where the peer has forgotten it, and no call fails", async () => {
    await using first = await open();
    await first.call("t.echo", { text: "1" });
    await first.close();
    server.forgetAll();
    await using second = await open();
    expect(await second.call("t.echo", { text: "2" })).toBe("heard 2");
    expect(server.counts).toMatchObject({ initialize: 2, executed: 2 });
    expect(await second.sessions.stored()).toHaveLength(1);
  });

  test("is shared by those who run at the same time: one handshake for all", async () => {
    const envs = await Promise.all(Array.from({ length: 3 }, () => open()));
    const calls = envs.flatMap((env) => [1, 2, 3, 4].map((n) => env.callDetailed("t.echo", { text: String(n) })));
    const ids = new Set((await Promise.all(calls)).map(({ session }) => session?.id));
    expect(ids.size).toBe(1);
    expect(server.counts).toMatchObject({ initialize: 1, executed: 12 });
    // One loss is one handshake, whoever notices it first.
    server.forgetAll();
    await Promise.all(envs.flatMap((env) => [1, 2, 3, 4].map((n) => env.call("t.echo", { text: String(n) }))));
    expect(server.counts).toMatchObject({ initialize: 2, executed: 24 });
    for (const env of envs) await env.close();
    expect(server.counts.delete).toBe(0);
  });

  test("is never gone on with by somebody else", async () => {
    const mine = await open("token-of-one-tenant");
    const first = await mine.callDetailed("t.echo", { text: "1" });
    await mine.close();
    const theirs = await open("token-of-another");
    const second = await theirs.callDetailed("t.echo", { text: "2" });
    expect(second.session?.id).not.toBe(first.session?.id);
    expect(await theirs.sessions.stored()).toHaveLength(2);
    expect(new Set((await theirs.sessions.stored()).map(({ identity }) => identity)).size).toBe(2);
    await theirs.close();
    expect(server.counts.initialize).toBe(2);
  });

  test("leaves nothing in the file that could be read", async () => {
    await using env = await open("a-token-that-is-a-secret");
    await env.call("t.echo", { text: "an input that is nobody's business" });
    await env.close();
    const held = readFileSync(file).toString("latin1");
    for (const secret of ["a-token-that-is-a-secret", "nobody's business", ...server.sessions.keys()])
      expect(held.includes(secret)).toBe(false);
  });

  test("is ended at its peer where closing says so", async () => {
    const env = await open();
    await env.call("t.echo", { text: "1" });
    await env.close({ sessions: "terminate" });
    expect(server.counts.delete).toBe(1);
    await using next = await open();
    expect(await next.sessions.stored()).toEqual([]);
  });

  test("that a process closes is gone for the others too, and they open another", async () => {
    const [one, two] = [await open(), await open()];
    await one.call("t.echo", { text: "1" });
    await two.call("t.echo", { text: "2" });
    const [session] = one.sessions.list();
    expect(await one.sessions.close(session?.id ?? "")).toBe(true);
    expect(await two.call("t.echo", { text: "3" })).toBe("heard 3");
    expect(server.counts).toMatchObject({ initialize: 2, executed: 3 });
    await one.close();
    await two.close();
  });
});

describe("the command line", () => {
  const store = ["--store", "sqlite:sessions.db"];

  test("reuses one session across its processes, lists it, and ends it at its peer", async () => {
    for (let n = 0; n < 3; n++) {
      const { code, stdout } = await place.ccos([
        "call",
        "t.echo",
        `text=${n}`,
        "--json",
        "--capabilities",
        "caps",
        ...store,
      ]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, value: `heard ${n}`, session: { reused: n > 0 } });
    }
    expect(server.counts).toMatchObject({ initialize: 1, executed: 3, delete: 0 });

    const listed = await place.ccos(["sessions", "list", "--json", ...store]);
    expect(JSON.parse(listed.stdout)).toEqual([
      expect.objectContaining({
        provider: "mcp",
        endpoint: server.url,
        identity: "anonymous",
        scope: "identity",
        state: "kept",
      }),
    ]);
    const table = await place.ccos(["sessions", "list", ...store]);
    expect(table.stdout).toContain(server.url);

    const unloaded = await place.ccos(["sessions", "close", "--all", "--json", ...store]);
    expect(JSON.parse(unloaded.stdout)).toMatchObject({ closed: [], left: [expect.any(String)] });
    const closed = await place.ccos(["sessions", "close", "--all", "--json", "--capabilities", "caps", ...store]);
    expect(JSON.parse(closed.stdout)).toMatchObject({ closed: [expect.any(String)], left: [] });
    expect(server.counts.delete).toBe(1);

    const unknown = await place.ccos(["sessions", "close", "s_nobody", ...store]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no session") as string });
    expect((await place.ccos(["sessions", "close", ...store])).code).toBe(2);
  });

  test("says that it goes on with a session", async () => {
    const call = ["call", "t.echo", "text=1", "--verbose", "--capabilities", "caps", ...store];
    expect((await place.ccos(call)).stderr).toContain("opened ");
    expect((await place.ccos(call)).stderr).toContain("resumed ");
  });

  test("refuses a store that was sealed with another key", async () => {
    await place.ccos(["call", "t.echo", "text=1", "--capabilities", "caps", ...store]);
    const refused = await place.ccos(["call", "t.echo", "text=2", "--capabilities", "caps", ...store], {
      env: { CCOS_STORE_KEY: "cd".repeat(32) },
    });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^error\[store-error\]: .* is sealed with a key that is not there/);
  });
});
