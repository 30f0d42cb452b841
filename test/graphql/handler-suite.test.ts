import { describe, test } from "vitest";

import { handlerChecks, type HandlerRig } from "../../testing/index.ts";
import { httpRig, loginRig, socketRig } from "./handler-rigs.ts";

const rigs: [string, HandlerRig][] = [
  ["over HTTP, subscriptions over a WebSocket", httpRig("ws")],
  ["over HTTP, subscriptions over server-sent events", httpRig("sse")],
  ["over HTTP with a login", loginRig],
  ["over a WebSocket", socketRig],
];

describe.each(rigs)("the GraphQL handler %s", (_name, rig) => {
  for (const { name, run } of handlerChecks(rig)) test(name, { timeout: 15_000 }, run);
});
