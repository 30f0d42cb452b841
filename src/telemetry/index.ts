export { ATTRIBUTES, METRICS, SPANS } from "./names.ts";
export { observeRuntime, type ObserveOptions, type Telemetry } from "./observe-runtime.ts";
