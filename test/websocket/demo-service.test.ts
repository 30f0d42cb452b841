import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { buildOf, startWebSocketService, type WebSocketService } from "../../src/demo/websocket-service.ts";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { StreamEvent } from "../../src/kernel/index.ts";
import { repository } from "../run-process.ts";

const GET = "websocket.demo.get_build";
const WATCH = "websocket.demo.watch_builds";

let service: WebSocketService;
let env: CCOSEnvironment;
const seen: string[] = [];

beforeEach(async () => {
  seen.length = 0;
  service = await startWebSocketService({ paceMs: 2 });
  env = await createEnvironment({
    capabilities: [join(repository, "capabilities/demo")],
    config: {},
    env: { CCOS_DEMO_WEBSOCKET_URL: service.url },
    cwd: repository,
  });
  for (const name of ["sessionOpened", "sessionReused", "sessionLost", "sessionReplaced"] as const) {
    env.on(name, () => void seen.push(name));
  }
});
afterEach(async () => {
  await env.close();
  await service.close();
});

test("calls share one socket, however many there are", async () => {
  const issues = Array.from({ length: 50 }, (_, index) => index + 1);
  const builds = await Promise.all(issues.map((issue) => env.call(GET, { issue })));
  expect(builds).toEqual(issues.map(buildOf));
  expect(service.stats()).toMatchObject({ connections: 1, calls: 50 });
});

test("a socket that was cut costs the next call no error", async () => {
  await env.call(GET, { issue: 1 });
  const lost = new Promise((resolve) => env.on("sessionLost", resolve));
  service.dropConnections();
  await lost;
  await expect(env.call(GET, { issue: 2 })).resolves.toEqual(buildOf(2));
  expect(seen).toEqual(["sessionOpened", "sessionLost", "sessionOpened", "sessionReplaced"]);
  expect(service.stats()).toMatchObject({ connections: 2, open: 1, dropped: 1 });
});

test("a refusal is told in the words of the peer", async () => {
  await expect(env.call(GET, { issue: 0 })).rejects.toMatchObject({
    code: "rejected",
    message: expect.stringContaining("issue has to be the number of an issue") as string,
    details: { code: "-32602" },
  });
});

test("a stream and calls go over the same socket, and the stream ends where the service says so", async () => {
  const stream = env.stream(WATCH, { until: 5 });
  const events = Array.fromAsync(stream);
  await env.call(GET, { issue: 3 });
  expect(await events).toEqual(
    [1, 2, 3, 4, 5].map((issue) => ({ type: "data", value: buildOf(issue), cursor: String(issue) })),
  );
  expect(service.stats()).toMatchObject({ connections: 1, subscriptions: 0 });
});

test("whoever leaves a stream ends it at the service, and leaves no session leased", async () => {
  for await (const event of env.stream(WATCH, {})) {
    if ((event as { cursor?: string }).cursor === "3") break;
  }
  expect(service.stats()).toMatchObject({ subscriptions: 0, open: 1 });
  expect(env.sessions.list().map(({ active }) => active)).toEqual([0]);
});

test("a stream whose socket is cut goes on after the last event that was taken", async () => {
  const numbers: number[] = [];
  for await (const event of env.stream(WATCH, {})) {
    const { cursor } = event as StreamEvent & { type: "data" };
    numbers.push(Number(cursor));
    if (numbers.length === 3 || numbers.length === 6) service.dropConnections();
    if (numbers.length === 9) break;
  }
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(service.stats()).toMatchObject({ connections: 3, dropped: 2, subscriptions: 0 });
});

test("a subscription that is called like a function gives its values, where something says that it is over", async () => {
  expect(await env.call(WATCH, { until: 3 })).toEqual([buildOf(1), buildOf(2), buildOf(3)]);
});

test("a program takes events until it has what it wants", async () => {
  const value = await env.run(`
    (call "${WATCH}"
          {:on-event (fn [event]
                       (if (= (:state (:value event)) "failed")
                         {:action :complete :value (:issue (:value event))}))})`);
  expect(value).toBe([1, 2, 3, 4, 5, 6, 7, 8].find((issue) => buildOf(issue).state === "failed"));
  expect(service.stats().subscriptions).toBe(0);
});

test("a page in a browser does not reach the service", async () => {
  const { WebSocket } = await import("ws");
  const socket = new WebSocket(service.url, { headers: { origin: "https://evil.example" } });
  const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(error.message).toContain("403");
});
