export { ATTRIBUTES, METRICS, SPAN_EVENTS, SPANS } from "./names.ts";
export { observeRuntime, type ObserveOptions, type Telemetry } from "./observe-runtime.ts";
