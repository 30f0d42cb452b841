import { describe, test } from "vitest";

import { handlerChecks, type HandlerRig } from "../../testing/index.ts";
import { httpRig, oauthRig, stdioRig } from "./handler-rigs.ts";

const rigs: [string, HandlerRig][] = [
  ["over HTTP with sessions, answers as JSON", httpRig("legacy", "json")],
  ["over HTTP with sessions, answers as event streams", httpRig("legacy", "sse")],
  ["over HTTP without sessions", httpRig("modern", "json")],
  ["over HTTP with tokens that are fetched", oauthRig()],
  ["on stdio", stdioRig("legacy")],
  ["on stdio, without a handshake", stdioRig("modern")],
];

describe.each(rigs)("the MCP handler %s", (_name, rig) => {
  for (const { name, run } of handlerChecks(rig)) test(name, run);
});
