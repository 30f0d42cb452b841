import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { startWebSocketService, type WebSocketService } from "../../src/demo/websocket-service.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { repository } from "../run-process.ts";

let service: WebSocketService;
let place: Place;
let env: Record<string, string>;
const capabilities = ["--capabilities", join(repository, "capabilities/demo")];

beforeEach(async () => {
  service = await startWebSocketService({ paceMs: 20 });
  place = await createPlace();
  env = { CCOS_DEMO_WEBSOCKET_URL: service.url };
});
afterEach(async () => {
  await place.remove();
  await service.close();
});

test("a subscription prints events while they come, and Ctrl-C leaves nothing behind", async () => {
  const running = place.start(["call", "websocket.demo.watch_builds", "--stream", ...capabilities], { env });
  await new Promise((resolve) => running.child.stdout.once("data", resolve));
  expect(service.stats()).toMatchObject({ open: 1, subscriptions: 1 });
  running.child.kill("SIGINT");
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  expect(stdout).toMatch(/^\{"type":"data","value":\{"issue":1,.*\},"cursor":"1"\}\n/);
  await expect.poll(() => service.stats()).toMatchObject({ open: 0, subscriptions: 0 });
});

test("a subscription that is cut goes on, and ends with its envelope", async () => {
  const args = ["call", "websocket.demo.watch_builds", "until:=4", "--stream", "--json", ...capabilities];
  const running = place.start(args, { env });
  await new Promise((resolve) => running.child.stdout.once("data", resolve));
  service.dropConnections();
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  const lines = stdout.trim().split("\n");
  const cursors = lines.slice(0, -1).map((line) => (JSON.parse(line) as { cursor: string }).cursor);
  expect(cursors).toEqual(["1", "2", "3", "4"]);
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ ok: true, attempts: 2, events: 4 });
});

test("check knows the keys of a block, and describes what is missing", async () => {
  await place.write({
    "bad.rtfs": `(capability "x.y" :description "x" :effects [:network]
      :metadata {:websocket {:methd "m" :requires_session "true"}})`,
  });
  const { stdout, stderr } = await place.ccos(["check", "bad.rtfs"]);
  expect(stdout + stderr).toMatch(/methd.*method/s);
  expect(stdout + stderr).toMatch(/url/);
});
