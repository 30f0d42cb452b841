import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, describe, expect, test } from "vitest";

import { buildOf, startWebSocketService } from "../../src/demo/websocket-service.ts";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { StreamEvent } from "../../src/kernel/index.ts";
import { ALIASES, TRAITS } from "../../src/providers/websocket/traits.ts";
import { repository } from "../run-process.ts";
import { serve } from "../websocket/websocket-server.ts";

const page = await readFile(join(repository, "docs", "websocket.md"), "utf8");
const [builds = "", home = "", ticker = ""] = [...page.matchAll(/^```clojure\n([\s\S]*?)^```$/gm)].map(
  ([, code = ""]) => code,
);

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function loaded(text: string, url: string, env: Record<string, string> = {}): Promise<CCOSEnvironment> {
  const warnings: string[] = [];
  const environment = await createEnvironment({
    capabilities: [],
    env,
    onWarning: ({ message }) => warnings.push(message),
  });
  undo.push(() => environment.close());
  await environment.capabilities.load(text.replaceAll(/wss:\/\/[a-z]+\.example\/[a-z]*/g, url));
  expect(warnings).toEqual([]);
  return environment;
}

describe("the page on WebSocket", () => {
  test("names every key of a block, and no other", () => {
    const aliases = new Set<string>(Object.values(ALIASES).flat());
    const keys = TRAITS.metadataKeys?.filter((key) => !aliases.has(key)) ?? [];
    const stated = [...page.matchAll(/^\| `([a-z_]+)` +\|/gm)].map(([, key]) => key);
    expect(new Set(stated)).toEqual(new Set(keys));
    expect(stated).toHaveLength(keys.length);
  });

  test("its builds are called, watched, and watched on after the socket was cut", async () => {
    const service = await startWebSocketService({ tokens: ["token-of-ada"], paceMs: 2 });
    undo.push(() => service.close());
    const env = await loaded(builds, service.url, { BUILDS_TOKEN: "token-of-ada" });
    expect(page).toContain(JSON.stringify(await env.call("builds.get", { issue: 7 })));
    const seen: unknown[] = [];
    for await (const event of env.stream("builds.watch", {})) {
      seen.push((event as StreamEvent & { type: "data" }).value);
      if (seen.length === 2) service.dropConnections();
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([1, 2, 3, 4].map(buildOf));
    expect(service.stats()).toMatchObject({ connections: 2, subscriptions: 0 });
  });

  test("its home says hello, takes the token, and tells of a light", async () => {
    const server = await serve({
      connected: (socket) => socket.send('{"type":"auth_required"}'),
      message: ({ id, type, access_token, name }, socket) => {
        const ok = access_token === "token-of-ada" ? "auth_ok" : "auth_invalid";
        socket.send(JSON.stringify(type === "auth" ? { type: ok } : { id, result: { name, on: true } }));
      },
    });
    undo.push(async () => server[Symbol.asyncDispose]());
    const env = await loaded(home, server.url, { HOME_TOKEN: "token-of-ada" });
    expect(await env.call("home.lights", { name: "desk" })).toEqual({ name: "desk", on: true });
    const other = await loaded(home, server.url, { HOME_TOKEN: "wrong-token" });
    await expect(other.call("home.lights", { name: "desk" })).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("its ticker gives prices until they are not wanted any more", async () => {
    const said: string[] = [];
    const server = await serve({
      message: (_message, socket, text) => {
        said.push(text);
        if (text.startsWith("SUB")) for (const line of ["PONG", "ACME 1.5", "ACME 1.6"]) socket.send(line);
      },
    });
    undo.push(async () => server[Symbol.asyncDispose]());
    const env = await loaded(ticker, server.url);
    const stream = env.stream("ticker.prices", { symbol: "ACME" });
    expect((await stream.next()).value).toEqual({ type: "data", value: "ACME 1.5" });
    expect((await stream.next()).value).toEqual({ type: "data", value: "ACME 1.6" });
    await stream.return?.();
    await expect.poll(() => said).toEqual(["SUBSCRIBE ACME", "UNSUBSCRIBE ACME"]);
  });
});
