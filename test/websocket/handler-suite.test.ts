import { describe, test } from "vitest";

import { createWebSocketHandler } from "../../src/providers/websocket/index.ts";
import { handlerChecks, type HandlerRig } from "../../testing/index.ts";
import { byId, inOrder, jsonRpc, type Dialect } from "./dialects.ts";
import { LOSSES, ScriptedPeer } from "./scripted-peer.ts";

function rigOf(dialect: Dialect, without: HandlerRig["without"] = {}): HandlerRig {
  return {
    createHandler: () => createWebSocketHandler({ openTimeoutMs: 5_000 }),
    startPeer: () => ScriptedPeer.start(dialect),
    losses: { [LOSSES.goingAway]: "noticed", [LOSSES.cut]: "noticed", [LOSSES.forgotten]: "silent" },
    without: {
      renewal: "tokens that can be renewed are shared with the providers over HTTP; see authentication.test.ts",
      ...without,
    },
  };
}

const rigs: [string, HandlerRig][] = [
  ["with JSON-RPC and a token in a header", rigOf(jsonRpc)],
  ["with an id by path and a login message", rigOf(byId)],
  [
    "with answers in order and a token among the subprotocols",
    rigOf(inOrder, {
      cancel: "a request without an id cannot be named",
      "hangs-calling": "one answer that never comes makes all later ones uncertain: the session is given up",
    }),
  ],
];

describe.each(rigs)("the WebSocket handler %s", (_name, rig) => {
  for (const { name, run } of handlerChecks(rig)) test(name, run);
});
