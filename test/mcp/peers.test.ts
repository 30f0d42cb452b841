import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { checkCapabilities, createEnvironment } from "../../src/environment.ts";
import { importMcp } from "../../src/importers/index.ts";
import type { StreamEvent } from "../../src/kernel/index.ts";
import { createMcpHandler } from "../../src/providers/mcp/index.ts";
import { capabilityOf, driveHandler } from "../../testing/index.ts";
import { peerFile, peersInstalled } from "../peers/peers.ts";

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-peers-"));
  out = join(folder, "out");
});
afterEach(() => rm(folder, { recursive: true }));

const programOf = (name: string): string => peerFile(`@modelcontextprotocol/server-${name}`, "dist", "index.js");
const quoted = (word: string): string => `'${word}'`;

/** Imports from the command, and finds nothing wrong with what was written. */
async function imported(args: readonly string[]): Promise<{ ids: readonly string[]; source: string }> {
  const source = [process.execPath, ...args].map(quoted).join(" ");
  const { capabilities, warnings } = await importMcp({ source, out, prefix: "peer" });
  expect(warnings).toEqual([]);
  const checked = await checkCapabilities([out]);
  expect([...checked.errors, ...checked.warnings]).toEqual([]);
  expect(checked.manifests.map(({ id }) => id).toSorted()).toEqual([...capabilities].toSorted());
  return { ids: capabilities, source };
}

async function withEnvironment(
  use: (env: Awaited<ReturnType<typeof createEnvironment>>) => Promise<void>,
): Promise<void> {
  await using env = await createEnvironment({ capabilities: [out], config: {}, env: { ...process.env }, cwd: folder });
  await use(env);
}

/** The events of a call that is followed, and that the server says nothing about meanwhile. */
async function followed(args: readonly string[], tool: string, input: object): Promise<StreamEvent[]> {
  const driver = driveHandler(createMcpHandler());
  const capability = capabilityOf("mcp", { command: process.execPath, args: [...args], tool_name: tool });
  try {
    return await Array.fromAsync(driver.stream(await driver.open(capability), capability, { ...input }));
  } finally {
    await driver.close();
  }
}

describe.skipIf(!peersInstalled)("MCP servers from npm, on stdio (needs npm run peers)", { timeout: 30_000 }, () => {
  test("filesystem: files are written, read and listed, and nothing outside its folder", async () => {
    const args = [programOf("filesystem"), folder];
    const { ids } = await imported(args);
    expect(ids).toEqual(expect.arrayContaining(["peer.read_text_file", "peer.write_file", "peer.list_directory"]));
    await withEnvironment(async (env) => {
      const path = join(folder, "note.txt");
      await env.call("peer.write_file", { path, content: "hello" });
      expect(await readFile(path, "utf8")).toBe("hello");
      expect(JSON.stringify(await env.call("peer.read_text_file", { path }))).toContain("hello");
      expect(JSON.stringify(await env.call("peer.list_directory", { path: folder }))).toContain("note.txt");
      await expect(env.call("peer.read_text_file", { path: "/etc/passwd" })).rejects.toMatchObject({
        code: "rejected",
        message: expect.stringContaining("outside allowed directories"),
      });
      await expect(env.call("peer.read_text_file", {})).rejects.toMatchObject({ code: "invalid-argument" });
      expect(env.sessions.list()).toHaveLength(1);
    });
    await writeFile(join(folder, "b.txt"), "b");
    const events = await followed(args, "read_text_file", { path: join(folder, "b.txt") });
    expect(events).toEqual([{ type: "result", value: { content: "b" } }]);
  });

  test("filesystem: the host's folders replace those of its command line", async () => {
    const driver = driveHandler(createMcpHandler(), {
      interaction: { roots: () => [{ uri: `file://${folder}`, name: "only" }] },
    });
    const capability = (tool: string) =>
      capabilityOf("mcp", { command: process.execPath, args: [programOf("filesystem")], tool_name: tool });
    const session = await driver.open(capability("list_allowed_directories"));
    // It asks for them after the handshake, in its own time.
    let allowed = "";
    while (!allowed.includes(folder)) {
      allowed = await driver.call(session, capability("list_allowed_directories")).then(JSON.stringify, () => "");
    }
    await driver.close();
  });

  test("memory: what is put into the graph is found there", async () => {
    const args = [programOf("memory")];
    const { ids } = await imported(args);
    expect(ids).toEqual(expect.arrayContaining(["peer.create_entities", "peer.read_graph", "peer.search_nodes"]));
    const entity = { name: "Ada", entityType: "person", observations: ["wrote programs"] };
    const driver = driveHandler(createMcpHandler());
    const capability = (tool: string) =>
      capabilityOf("mcp", {
        command: process.execPath,
        args,
        env: { MEMORY_FILE_PATH: join(folder, "memory.jsonl") },
        tool_name: tool,
      });
    const session = await driver.open(capability("create_entities"));
    await driver.call(session, capability("create_entities"), { entities: [entity] });
    expect(await driver.call(session, capability("search_nodes"), { query: "programs" })).toMatchObject({
      entities: [entity],
    });
    const events = await Array.fromAsync(driver.stream(session, capability("read_graph")));
    expect(events).toMatchObject([{ type: "result", value: { entities: [entity] } }]);
    await driver.close();
  });

  test("sequential thinking: thoughts of one session are counted in it", async () => {
    const args = [programOf("sequential-thinking")];
    const { ids } = await imported(args);
    expect(ids).toEqual(["peer.sequentialthinking"]);
    const thought = (at: number): object => ({
      thought: `thought ${at}`,
      nextThoughtNeeded: at < 2,
      thoughtNumber: at,
      totalThoughts: 2,
    });
    await withEnvironment(async (env) => {
      expect(await env.call("peer.sequentialthinking", { ...thought(1) })).toMatchObject({ thoughtHistoryLength: 1 });
      expect(await env.call("peer.sequentialthinking", { ...thought(2) })).toMatchObject({ thoughtHistoryLength: 2 });
    });
    expect(await followed(args, "sequentialthinking", thought(1))).toMatchObject([
      { type: "result", value: { thoughtHistoryLength: 1 } },
    ]);
  });
});
