import { afterEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/kernel/index.ts";
import { fromJson, print } from "../../src/rtfs/index.ts";
import type { HandlerPeer, HandlerRig, PeerStream } from "../../testing/index.ts";
import { httpRig as graphqlRig, socketRig } from "../graphql/handler-rigs.ts";
import { grpcRig } from "../grpc/handler-rigs.ts";
import { httpRig as mcpRig } from "../mcp/handler-rigs.ts";
import { rigFor } from "../openapi/handler-rigs.ts";
import { jsonRpc } from "../websocket/dialects.ts";
import { ScriptedPeer } from "../websocket/scripted-peer.ts";
import { createPlace, type Place, type Running } from "./ccos-process.ts";

const rigs: [string, string, Pick<HandlerRig, "startPeer">][] = [
  ["mcp, with progress", "mcp", mcpRig("legacy", "sse")],
  ["graphql, with server-sent events", "graphql", graphqlRig("sse")],
  ["graphql, over a socket", "graphql", socketRig],
  ["openapi, page by page", "openapi", rigFor("login", "pages")],
  ["openapi, with server-sent events", "openapi", rigFor("login", "events")],
  ["grpc, from the server", "grpc", grpcRig("reflection")],
  ["websocket, with a subscription", "websocket", { startPeer: () => ScriptedPeer.start(jsonRpc) }],
];

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Scene {
  readonly peer: HandlerPeer;
  readonly stream: PeerStream;
  start(input: unknown): Running;
}

async function scene(provider: string, rig: Pick<HandlerRig, "startPeer">): Promise<Scene> {
  const peer = await rig.startPeer();
  undo.push(async () => peer[Symbol.asyncDispose]());
  const place: Place = await createPlace();
  undo.push(() => place.remove());
  const { stream } = peer;
  if (stream === undefined) throw new Error("This peer streams nothing.");
  const block: JsonObject = { requires_session: "true", ...(stream.block ?? peer.block) };
  const metadata = print(fromJson({ [provider]: block }, { keys: "keywords" }));
  await place.write({
    "stream.rtfs": `(capability "acme.stream" :description "Streams" :effects [:network] :metadata ${metadata})`,
  });
  const args = ["--stream", "--capabilities", "stream.rtfs"];
  return {
    peer,
    stream,
    start: (input) => place.start(["call", "acme.stream", JSON.stringify(input), ...args], { env: peer.env }),
  };
}

/** Resolves when so many lines were printed. */
async function printed({ child, ended }: Running, count: number): Promise<string[]> {
  let text = "";
  const enough = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split("\n").length > count) resolve();
    });
  });
  await Promise.race([enough, ended]);
  return text.split("\n").slice(0, count);
}

/** Streams, sessions and whatever else is open. */
const leftAt = (peer: HandlerPeer): number[] => [peer.stream?.open ?? 0, peer.sessions, peer.connections];

describe.each(rigs)("call --stream of %s", (name, provider, rig) => {
  test("prints every event and ends with the stream, and nothing is left at the peer", async () => {
    const { peer, stream, start } = await scene(provider, rig);
    const { code, stdout, stderr } = await start(stream.input).ended;
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(stream.events);
    await expect.poll(() => leftAt(peer)).toEqual([0, 0, 0]);
  });

  test("prints events while they come, stops on Ctrl-C, and leaves no session and no stream at the peer", async () => {
    const { peer, stream, start } = await scene(provider, rig);
    const running = start(stream.endless);
    const lines = await printed(running, 3);
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toHaveLength(3);
    expect(running.child.exitCode).toBeNull();
    // Between two pages nothing is open.
    if (!name.includes("page")) expect(peer.stream?.open).toBe(1);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining("Interrupted")]);
    await expect.poll(() => leftAt(peer)).toEqual([0, 0, 0]);
  });
});
