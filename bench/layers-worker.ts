/** What each layer adds to a call: from the bare request to the whole of ccos, in one process. */
import { dirname } from "node:path";

import type * as Http from "../src/http/index.ts";
import type * as TransportHttp from "../src/providers/mcp/transport-http.ts";
import { ccos, contender, floor } from "./contenders/index.ts";
import { load, median } from "./load.ts";

export interface LayersOrder {
  readonly url: string;
  readonly inFlight: number;
  readonly calls: number;
}

export interface LayersResult {
  /** Microseconds of CPU a call. */
  readonly layers: readonly (readonly [layer: string, micros: number])[];
}

const ROUNDS = 9;
// The same build as everywhere in the bench; its source, where that is what is measured.
const source = process.env["BENCH_CCOS"];
const [folder, extension] = source === undefined ? ["../dist/src", "js"] : [dirname(source), "ts"];

process.on("message", (order: LayersOrder) => {
  measure(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function measure({ url, inFlight, calls }: LayersOrder): Promise<LayersResult> {
  const layers = await open(url);
  const run = ([, call]: Layer, count: number): Promise<unknown> =>
    load(count, inFlight, async (index) => void (await call({ key: `k${index}` })));
  for (const layer of layers) await run(layer, calls * 2);
  const micros = layers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, layer] of layers.entries()) {
      const before = process.cpuUsage();
      await run(layer, calls);
      const { user, system } = process.cpuUsage(before);
      micros[index]?.push((user + system) / calls);
    }
  }
  return { layers: layers.map(([name], index) => [name, median(micros[index] ?? [])]) };
}

type Layer = readonly [name: string, call: (input: { key: string }) => Promise<unknown>];

async function open(url: string): Promise<Layer[]> {
  const { createDispatcher } = (await import(`${folder}/http/index.${extension}`)) as typeof Http;
  const { HttpTransport } = (await import(
    `${folder}/providers/mcp/transport-http.${extension}`
  )) as typeof TransportHttp;
  const { Client } = await import("@modelcontextprotocol/client");
  const headers = { authorization: `Bearer ${process.env["BENCH_TOKEN"] ?? ""}` };
  const options = { url: new URL(url), headers, dispatcher: await createDispatcher(), limit: 2 ** 20, now: Date.now };
  const transport = new HttpTransport(options);
  transport.era = "legacy";
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(transport);
  const bare = await floor.open(url);
  const whole = await ccos.open(url);
  const sdk = await contender("MCP SDK v2").open(url);
  return [
    ["one undici `request`", (input) => bare.call("store", input)],
    [
      "our transport",
      (input) =>
        transport.request("tools/call", { name: "store", arguments: input }, { signal: new AbortController().signal }),
    ],
    ["the SDK's client on our transport", (input) => client.callTool({ name: "store", arguments: input })],
    ["the SDK as it comes", (input) => sdk.call("store", input)],
    ["ccos, all of it", (input) => whole.call("store", input)],
  ];
}
