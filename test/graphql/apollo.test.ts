import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEnvironment } from "../../src/environment.ts";
import { importGraphql } from "../../src/importers/index.ts";
import type { JsonObject } from "../../src/kernel/index.ts";
import { peersInstalled } from "../peers/peers.ts";
import { callOnce } from "./canned-server.ts";

interface Apollo {
  readonly url: string;
  stop(): Promise<void>;
}

async function startApollo(...args: string[]): Promise<Apollo> {
  const program = join(import.meta.dirname, "apollo-program.ts");
  const child = fork(program, args, { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
  const [url] = (await once(child, "message")) as [string];
  return {
    url,
    async stop() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

describe.skipIf(!peersInstalled)("Apollo Server (needs npm run peers)", () => {
  let apollo: Apollo;
  beforeAll(async () => {
    apollo = await startApollo();
  }, 30_000);
  afterAll(() => apollo.stop());

  const call = (block: JsonObject, input: JsonObject = {}, env: Record<string, string> = {}): Promise<unknown> =>
    callOnce({ endpoint: apollo.url, requires_session: "true", ...block }, input, { env });

  test("queries by POST, by GET, and by the hash of the document", async () => {
    const block = { operation: "query ($name: String!) { hello(name: $name) }", result_field: "hello" };
    const ways: JsonObject[] = [
      {},
      { method: "GET" },
      { persisted_queries: true },
      { persisted_queries: true, method: "GET" },
    ];
    for (const way of ways) expect(await call({ ...block, ...way }, { name: "Ann" })).toBe("hello Ann");
  });

  test("fields of its schema, checked by it", async () => {
    expect(await call({ field: "add", kind: "mutation" }, { a: 1, b: 2 })).toBe(3);
    expect(await call({ field: "state" }, { state: "OPEN" })).toBe("OPEN");
    await expect(call({ field: "state" }, { state: "open" })).rejects.toThrow('Did you mean the enum value "OPEN"?');
  });

  test.each([
    ["{ whoami }", "unauthenticated"],
    ["{ teapot }", "rejected"],
    ["{ limited }", "rate-limited"],
    ["{ broken }", "outcome-unknown"],
    ["{ nothing }", "rejected"],
  ])("%s is %s", async (operation, code) => {
    await expect(call({ operation })).rejects.toMatchObject({ code });
  });

  test("a token is sent", async () => {
    const block = { operation: "{ whoami }", result_field: "whoami", auth_env_var: "TOKEN" };
    expect(await call(block, {}, { TOKEN: "ann" })).toBe("ann");
  });

  test("has no subscriptions, and says so", async () => {
    const environment = await createEnvironment({ capabilities: [], config: {}, env: { APOLLO: apollo.url } });
    await environment.capabilities.load(
      '(capability "a.b" :metadata {:graphql {:endpoint_override_env "APOLLO" :operation "subscription { x }"}} :effects [:network])',
    );
    await expect(Array.fromAsync(environment.stream("a.b", {}))).rejects.toMatchObject({
      code: expect.stringMatching(/rejected|protocol-error/),
    });
    await environment.close();
  });

  test("is imported by introspection, and every operation is called", async () => {
    const out = await mkdtemp(join(tmpdir(), "ccos-apollo-"));
    const { capabilities, notImported, warnings } = await importGraphql({ source: apollo.url, out, prefix: "shop" });
    expect([notImported, warnings]).toEqual([[], []]);
    expect(capabilities).toEqual(
      ["hello", "whoami", "state", "teapot", "limited", "broken", "add"].map((name) => `shop.${name}`),
    );
    expect(await readdir(out)).toHaveLength(capabilities.length);
    const environment = await createEnvironment({ capabilities: [out], config: {} });
    expect(await environment.call("shop.hello", { name: "Bob" })).toBe("hello Bob");
    expect(await environment.call("shop.add", { a: 2, b: 3 })).toBe(5);
    await environment.close();
    await rm(out, { recursive: true });
  });

  test("that tells nobody its schema cannot be imported, and still checks variables itself", async () => {
    const closed = await startApollo("closed");
    const refused = importGraphql({ source: closed.url, out: join(tmpdir(), "never") });
    await expect(refused).rejects.toMatchObject({ code: "rejected", remedy: expect.stringContaining("schema") });
    const block = { endpoint: closed.url, operation: "query ($state: State!) { state(state: $state) }" };
    expect(await callOnce(block, { state: "OPEN" })).toEqual({ state: "OPEN" });
    await expect(callOnce(block, { state: "open" })).rejects.toMatchObject({ code: "rejected" });
    await expect(callOnce({ endpoint: closed.url, field: "hello" }, { name: "x" })).rejects.toThrow(
      "does not tell its schema",
    );
    await closed.stop();
  }, 30_000);
});
