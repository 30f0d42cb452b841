import type { Form } from "../forms.ts";
import { Keyword, RtfsMap, type MapKey, type Value } from "../values.ts";
import { EventFold, eventHandlingOf } from "./event-fold.ts";
import { failureOfHost } from "./failures.ts";
import { suspend, vm } from "./machine.ts";
import { raise } from "./raise.ts";

/** Asks the host to run a capability: the only way out of the language. */
export function callHost(id: string, args: readonly Value[], form: Form | undefined): Value {
  const settings = vm.run?.settings;
  const host = settings?.host;
  if (settings === undefined || host === undefined) {
    return raise(
      "SecurityViolation",
      `call operation on capability '${id}' not allowed in context: no host is attached`,
      form,
    );
  }
  vm.at = form;
  const given = foldPairs(args);
  const handling = eventHandlingOf(given);
  if (handling !== undefined) {
    if (host.stream === undefined)
      return raise("NotImplemented", `':on-event' of a call of '${id}': this host gives no events`, form);
    return new EventFold(host.stream(id, handling.args, vm.hints), handling, form).next();
  }
  let result: Value | Promise<Value>;
  try {
    result = host.call(id, given, vm.hints);
  } catch (error) {
    throw failureOfHost(error, settings.signal);
  }
  if (!isPromise(result)) return result;
  return suspend({ kind: "wait", promise: result, failure: (error) => failureOfHost(error, settings.signal) });
}

function isPromise(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === "object" && value !== null && typeof (value as Partial<Promise<Value>>).then === "function";
}

/** `:a 1 :b 2` as arguments means the map `{:a 1 :b 2}`. */
function foldPairs(args: readonly Value[]): readonly Value[] {
  if (args.length === 0 || args.length % 2 !== 0) return args;
  const entries = new Map<MapKey, Value>();
  for (let index = 0; index < args.length; index += 2) {
    const key = args[index] as Value;
    if (!(key instanceof Keyword)) return args;
    entries.set(key, args[index + 1] as Value);
  }
  return [new RtfsMap(entries)];
}
