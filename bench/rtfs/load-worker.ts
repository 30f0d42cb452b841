/**
 * In a process of its own, so that the first round is what a program meets that has just been started:
 * loads a folder of capability files, and reads and parses the same content as JSON, in turn.
 *
 * Arguments: the folder, how many rounds, and which of the two begins. Prints one JSON object.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCapabilities } from "../../src/capability/index.ts";

const [folder, rounds, first] = process.argv.slice(2) as [string, string, "json" | "rtfs"];

const providers = {
  providers: () => ["line"],
  manifestTraits: () => traits,
};
const traits = {
  metadataKeys: ["server_url", "server_name", "tool_name", "auth_env_var", "read_only_hint", "input_schema_json"],
};

async function load(): Promise<number> {
  const start = performance.now();
  const { manifests, errors, warnings } = await loadCapabilities([join(folder, "rtfs")], { trusted: true, providers });
  const time = performance.now() - start;
  if (errors.length + warnings.length > 0) throw errors[0] ?? new Error(warnings[0]?.message);
  loaded = manifests.length;
  return time;
}

function parse(): { parsing: number; reading: number } {
  const path = join(folder, "json");
  const start = performance.now();
  const texts = readdirSync(path).map((name) => readFileSync(join(path, name), "utf8"));
  const middle = performance.now();
  parsed = texts.map((text): unknown => JSON.parse(text));
  return { reading: middle - start, parsing: performance.now() - middle };
}

let loaded = 0;
let parsed: unknown[] = [];
const times: { rtfs: number; reading: number; parsing: number }[] = [];
for (let round = 0; round < Number(rounds); round++) {
  let json: ReturnType<typeof parse>;
  let rtfs: number;
  if (first === "json") {
    json = parse();
    rtfs = await load();
  } else {
    rtfs = await load();
    json = parse();
  }
  if (loaded !== parsed.length)
    throw new Error(`${loaded} capabilities were loaded, and ${parsed.length} objects parsed.`);
  times.push({ rtfs, ...json });
}
console.log(JSON.stringify(times));
