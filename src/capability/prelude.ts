import { evaluate, RtfsMap, type Value } from "../rtfs/index.ts";

// In the language itself, because each is only another spelling of a call. `{:args …}` is how a row of
// arguments is handed on.
const SOURCE = `
(let [print-line (fn [& items] (call "ccos.io.println" {:args items}))
      log        (fn [& items] (call "ccos.io.log" {:args items}))
      time-ms    (fn [] (call "ccos.system.current-timestamp-ms"))
      fetch      (fn [& request] (call "ccos.network.http-fetch" {:args request}))
      read       (fn [key] (call "ccos.state.kv.get" {:key key}))
      write      (fn [key value] (call "ccos.state.kv.put" {:key key :value value}) value)]
  {"println"             print-line
   "log"                 log
   "tool/log"            log
   "tool.log"            log
   "get-env"             (fn [name] (call "ccos.system.get-env" name))
   "file-exists?"        (fn [path] (call "ccos.io.file-exists" path))
   "tool/open-file"      (fn [path] (call "ccos.io.read-file" path))
   "http-fetch"          fetch
   "tool/http-fetch"     fetch
   "thread/sleep"        (fn [ms] (call "ccos.system.sleep-ms" ms))
   "tool/time-ms"        time-ms
   "tool.time-ms"        time-ms
   "current-time-millis" time-ms
   "kv/assoc!"           (fn [key & pairs] (write key (apply assoc (or (read key) {}) pairs)))
   "kv/dissoc!"          (fn [key & keys] (write key (apply dissoc (or (read key) {}) keys)))
   "kv/conj!"            (fn [key & items] (write key (apply conj (or (read key) []) items)))})
`;

let bindings: ReadonlyMap<string, Value> | undefined;

/**
 * The functions that programs find defined where a host is attached: `println`, `log`, `get-env` and so on.
 * Each is a thin wrapper over a capability, so it needs whatever permission that needs.
 */
export function preludeBindings(): ReadonlyMap<string, Value> {
  if (bindings === undefined) {
    const functions = evaluate(SOURCE, { file: "prelude", sliceMs: Number.POSITIVE_INFINITY });
    bindings = new Map(functions instanceof RtfsMap ? (functions as Iterable<[string, Value]>) : []);
  }
  return bindings;
}
