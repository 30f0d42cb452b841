/** Where the client's time goes: a CPU profile of warm calls, 16 in flight, in a process of its own. */
import { Session } from "node:inspector/promises";

import { contender } from "./contenders/index.ts";
import { load } from "./load.ts";

export interface ProfileOrder {
  readonly name: string;
  readonly url: string;
  readonly inFlight: number;
  readonly calls: number;
}

export interface ProfileResult {
  /** Microseconds a call, by part, greatest first. */
  readonly parts: readonly (readonly [part: string, micros: number])[];
}

process.on("message", (order: ProfileOrder) => {
  measure(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function measure({ name, url, inFlight, calls }: ProfileOrder): Promise<ProfileResult> {
  const client = await contender(name).open(url);
  const call = async (index: number): Promise<void> => void (await client.call("store", { key: `k${index}` }));
  await load(calls, inFlight, call);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  await load(calls, inFlight, call);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  await client.close();

  const micros = new Map<number, number>();
  profile.samples?.forEach((id, index) => micros.set(id, (micros.get(id) ?? 0) + (profile.timeDeltas?.[index] ?? 0)));
  const parts = new Map<string, number>();
  for (const { id, callFrame } of profile.nodes) {
    const part = partOf(callFrame.functionName, callFrame.url);
    if (part !== undefined) parts.set(part, (parts.get(part) ?? 0) + (micros.get(id) ?? 0) / calls);
  }
  return { parts: [...parts].toSorted(([, a], [, b]) => b - a) };
}

/** Undefined for what is no work of a call. */
function partOf(name: string, url: string): string | undefined {
  if (name === "(idle)" || name === "(root)" || url === "node:inspector") return undefined;
  if (name === "(garbage collector)") return "garbage collection";
  if (name === "writev" || name === "writeUtf8String" || name === "writeBuffer") return "writing to sockets";
  const own = /\/(?:dist\/src|src)\/(providers\/)?(\w+)/.exec(url);
  if (own !== null && !url.includes("node_modules")) return `ccos: ${own[1] ?? ""}${own[2]}`;
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (dependency !== null) return `${dependency[1]}`;
  if (url.includes("/bench/")) return "the bench itself";
  if (/^node:(?:internal\/)?(?:event_target|abort_controller|events\/abort)/.test(url))
    return "node: AbortSignal and its events";
  if (/^node:(?:internal\/)?timers/.test(url)) return "node: timers";
  if (/^node:(?:internal\/)?(?:net|stream|_http|http|tls|webstreams|streams)/.test(url))
    return "node: sockets and streams";
  if (url.startsWith("wasm:")) return "undici: parser (wasm)";
  return url.startsWith("node:") ? "node: the rest" : "engine: promises, JSON, strings";
}
