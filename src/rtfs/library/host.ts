import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { callHost } from "../evaluator/host-call.ts";
import { resumeWith, SUSPEND, vm } from "../evaluator/machine.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { Keyword, keyword, RtfsMap, Sym, vector, type MapKey, type Value } from "../values.ts";
import { isSequence, keyOf } from "./arguments.ts";

const MANY = Number.POSITIVE_INFINITY;

function call(id: Value, ...args: Value[]): Value {
  if (typeof id === "string") return callHost(id, args, vm.at);
  if (id instanceof Keyword) return callHost(id.name, args, vm.at);
  return raiseTypeError("call", "string or keyword capability id", id);
}

/** A function that is nothing but a call of one capability. */
function wrapper(
  names: readonly [string, ...string[]],
  id: string,
  params: string,
  doc: string,
  arity: readonly [number, number],
  finish?: (value: Value) => Value,
): BuiltinDeclaration {
  const [name, ...aliases] = names;
  return {
    name,
    aliases,
    params,
    doc: `${doc} Calls ${id}.`,
    arity,
    fn: (...args: Value[]) => {
      const value = callHost(
        id,
        args.filter((arg) => arg !== undefined),
        vm.at,
      );
      if (finish === undefined) return value;
      return value === SUSPEND ? resumeWith(finish) : finish(value);
    },
  };
}

const nothing = (): Value => null;

function contextKey(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Keyword || value instanceof Sym) return value.name;
  return raiseTypeError("context", "string, keyword or symbol", value);
}

function setContext(key: Value, value: Value): Value {
  const host = vm.run?.settings.host;
  if (host?.setContext === undefined) raise("SecurityViolation", "context/set needs a host that keeps a context");
  host.setContext(contextKey(key), value);
  return value;
}

/** Reads a key of the store, changes its value, and writes it back; gives the new value. */
function changeStored(key: Value, change: (old: Value) => Value): Value {
  const site = vm.at;
  const store = (old: Value): Value => {
    vm.at = site;
    const changed = change(old);
    const args = RtfsMap.of([
      [keyword("key"), key],
      [keyword("value"), changed],
    ]);
    const written = callHost("ccos.state.kv.put", [args], site);
    return written === SUSPEND ? resumeWith(() => changed) : changed;
  };
  const old = callHost("ccos.state.kv.get", [RtfsMap.of([[keyword("key"), key]])], site);
  return old === SUSPEND ? resumeWith(store) : store(old);
}

function storedMap(old: Value): RtfsMap {
  if (old === null) return RtfsMap.EMPTY;
  return old instanceof RtfsMap ? old : raiseTypeError("kv", "stored map", old);
}

function storeAssoc(key: Value, ...values: Value[]): Value {
  if (values.length % 2 !== 0)
    raise("ArityMismatch", `Arity mismatch in kv/assoc!: expected keys and values in pairs, got ${values.length}`);
  return changeStored(key, (old) => {
    const entries: [MapKey, Value][] = [];
    for (let index = 0; index < values.length; index += 2)
      entries.push([keyOf(values[index] as Value), values[index + 1] as Value]);
    return storedMap(old).with(entries);
  });
}

function storeConj(key: Value, ...values: Value[]): Value {
  return changeStored(key, (old) => {
    if (old === null) return vector(values);
    if (!isSequence(old)) return raiseTypeError("kv/conj!", "stored vector", old);
    return vector([...old.toArray(), ...values]);
  });
}

export const host: readonly BuiltinDeclaration[] = [
  {
    name: "call",
    params: "[id & args]",
    doc: "Calls a capability by its id; keyword pairs as arguments mean one map; :on-event with a function asks for the events of the call.",
    arity: [1, MANY],
    fn: call,
  },
  wrapper(["println"], "ccos.io.println", "[& values]", "Prints values on a line; gives nil.", [0, MANY], nothing),
  wrapper(["log", "tool/log", "tool.log"], "ccos.io.log", "[& values]", "Logs values; gives nil.", [0, MANY], nothing),
  wrapper(["step"], "ccos.io.log", "[level & values]", "With a keyword first: logs; gives nil.", [1, MANY], nothing),
  wrapper(["get-env"], "ccos.system.get-env", "[name]", "The value of a variable of the environment, or nil.", [1, 2]),
  wrapper(["file-exists?"], "ccos.io.file-exists", "[path]", "Whether a file exists.", [1, 1]),
  wrapper(["tool/open-file"], "ccos.io.open-file", "[path & options]", "Opens a file.", [1, MANY]),
  wrapper(
    ["http-fetch", "tool/http-fetch"],
    "ccos.network.http-fetch",
    "[url-or-map & more]",
    "Makes an HTTP request.",
    [1, MANY],
  ),
  wrapper(["thread/sleep"], "ccos.system.sleep-ms", "[ms]", "Waits.", [1, 1]),
  wrapper(
    ["current-time-millis", "tool/time-ms", "tool.time-ms"],
    "ccos.system.current-timestamp-ms",
    "[]",
    "Milliseconds since 1970.",
    [0, 0],
  ),
  wrapper(
    ["load-capability"],
    "ccos.capability.load",
    "[path]",
    "Loads a capability file; gives its id, or a vector of ids.",
    [1, 1],
  ),
  {
    name: "read-file",
    params: "[path]",
    doc: 'Always fails: use (call "ccos.io.read-file" path).',
    arity: [1, 1],
    fn: () => raise("NotImplemented", 'read-file is not implemented; use (call "ccos.io.read-file" path)'),
  },
  {
    name: "llm-execute",
    params: "[model prompt]",
    doc: "Asks a language model, by position or with :model, :prompt and :system. Calls ccos.ai.llm-execute.",
    arity: [2, 6],
    fn: (...args: Value[]) => callHost("ccos.ai.llm-execute", args, vm.at),
  },
  {
    name: "context/get",
    params: "[key]",
    doc: "A value of the host's context, or nil.",
    arity: [1, 1],
    fn: (key: Value) => vm.run?.settings.host?.context?.(contextKey(key)) ?? null,
  },
  {
    name: "context/set",
    params: "[key value]",
    doc: "Sets a value of the host's context; gives the value.",
    arity: [2, 2],
    fn: setContext,
  },
  {
    name: "kv/assoc!",
    params: "[key k v & more]",
    doc: "Sets keys of a stored map.",
    arity: [3, MANY],
    fn: storeAssoc,
  },
  {
    name: "kv/dissoc!",
    params: "[key & ks]",
    doc: "Takes keys off a stored map.",
    arity: [1, MANY],
    fn: (key: Value, ...keys: Value[]) => changeStored(key, (old) => storedMap(old).without(...keys.map(keyOf))),
  },
  { name: "kv/conj!", params: "[key & items]", doc: "Adds items to a stored vector.", arity: [1, MANY], fn: storeConj },
];
