import { CcosError } from "../../kernel/index.ts";
import { RtfsMap, type MapKey, type Value } from "../../rtfs/index.ts";
import type { Manifest } from "../manifest.ts";
import { NativeArguments, spreadArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

const MOST_KEYS = 10_000;
const MOST_CALLERS = 1_000;

/** Values that outlive a program, in this process; each caller has its own. */
export function stateCapabilities(): Manifest[] {
  const shelves = new Map<string, Map<string, Value>>();
  const shelfOf = (caller: string | undefined): Map<string, Value> => {
    const name = caller ?? "";
    let shelf = shelves.get(name);
    if (shelf === undefined) {
      if (shelves.size >= MOST_CALLERS) {
        for (const oldest of shelves.keys()) {
          shelves.delete(oldest);
          break;
        }
      }
      shelves.set(name, (shelf = new Map()));
    }
    return shelf;
  };
  return [
    nativeCapability({
      id: "ccos.state.kv.get",
      description: "The value kept under a key, or nil.",
      run: (args, { caller }) =>
        shelfOf(caller).get(new NativeArguments("ccos.state.kv.get", ["key"], args).key("key")) ?? null,
    }),
    nativeCapability({
      id: "ccos.state.kv.put",
      description: "Keeps a value under a key and gives it back; nil removes the key.",
      run: (args, { caller }) => {
        const given = new NativeArguments("ccos.state.kv.put", ["key", "value"], keyAndValue(args));
        const shelf = shelfOf(caller);
        const key = given.key("key");
        const value = given.value("value");
        if (value === null) shelf.delete(key);
        else {
          if (shelf.size >= MOST_KEYS && !shelf.has(key)) {
            throw new CcosError("invalid-argument", `More than ${MOST_KEYS} keys cannot be kept.`, {
              remedy: "Remove some by putting nil.",
            });
          }
          shelf.set(key, value);
        }
        return value;
      },
    }),
  ];
}

/** `(call … :counter 1)` arrives as the map `{:counter 1}`, since a keyword and a value are a pair. */
function keyAndValue(given: readonly Value[]): readonly Value[] {
  const args = spreadArguments(given);
  const [only] = args;
  if (args.length !== 1 || !(only instanceof RtfsMap) || only.size !== 1) return args;
  const [[key, value]] = [...only] as [[MapKey, Value]];
  return [key, value];
}
