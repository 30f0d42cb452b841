import { describe, expect, test } from "vitest";

import type { JsonValue } from "../../kernel/index.ts";
import { offers, readDiscovery, readInitializeResult } from "./handshake.ts";
import { WireError } from "./wire-error.ts";

const transport = { state: { era: "legacy", hasSessionId: false } } as const;
const answer = {
  protocolVersion: "2025-06-18",
  capabilities: { tools: { listChanged: true } },
  serverInfo: { name: "acme", version: "1.0", title: "Acme" },
  instructions: "Be kind.",
};

describe("the answer to a handshake", () => {
  test("says who the server is and what it offers", () => {
    const server = readInitializeResult(answer, transport);
    expect(server).toEqual({
      protocolVersion: "2025-06-18",
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: "acme", version: "1.0" },
      instructions: "Be kind.",
      answer,
    });
    expect(offers(server, "tools")).toBe(true);
    expect(offers(server, "tools", "listChanged")).toBe(true);
    expect(offers(server, "prompts")).toBe(false);
    expect(offers(server, "__proto__")).toBe(false);
  });

  test.each<[string, JsonValue]>([
    ["no object", "hello"],
    ["without a version", { ...answer, protocolVersion: 7 }],
    ["without capabilities", { protocolVersion: "2025-06-18", serverInfo: answer.serverInfo }],
    ["of a server without a name", { ...answer, serverInfo: { version: "1" } }],
    ["in a revision that is not spoken", { ...answer, protocolVersion: "1999-01-01" }],
  ])("that is %s breaks the protocol", (_what, broken) => {
    expect(() => readInitializeResult(broken, transport)).toThrow(WireError);
  });
});

describe("what is discovered of a server", () => {
  test("may leave out who it is", () => {
    expect(readDiscovery({ supportedVersions: ["2026-07-28"], capabilities: {} })).toMatchObject({
      protocolVersion: "2026-07-28",
      serverInfo: undefined,
      instructions: undefined,
    });
  });

  test("holds who it is among what is said beside the answer", () => {
    const serverInfo = { name: "acme", version: "2" };
    const discover = { capabilities: { tools: {} }, _meta: { "io.modelcontextprotocol/serverInfo": serverInfo } };
    expect(readDiscovery(discover).serverInfo).toEqual(serverInfo);
  });
});
