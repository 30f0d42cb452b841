import type { Clock } from "../../kernel/index.ts";
import type { Manifest } from "../manifest.ts";
import { dataCapabilities } from "./data.ts";
import { fileCapabilities } from "./files.ts";
import { httpFetchCapability } from "./http-fetch.ts";
import { loadCapability, type LoadFile } from "./load.ts";
import { metadataCapability, type CapabilityLookup } from "./metadata.ts";
import { outputCapabilities, type OutputSinks } from "./output.ts";
import { stateCapabilities } from "./state.ts";
import { systemCapabilities } from "./system.ts";

export type { LoadFile } from "./load.ts";
export { nativeCapability, type NativeDeclaration } from "./native.ts";
export { outputTo, type OutputSinks } from "./output.ts";

export interface NativeOptions {
  readonly clock: Clock;
  /** A variable of the environment as it is now, for `ccos.system.get-env`. */
  readonly readVariable: (name: string) => string | undefined;
  readonly output: OutputSinks;
  readonly lookup: CapabilityLookup;
  /** For `ccos.capability.load`, which is not there without it. */
  readonly loadFile?: LoadFile | undefined;
}

/** The capabilities that come with the runtime. */
export function nativeCapabilities(options: NativeOptions): Manifest[] {
  return [
    metadataCapability(options.lookup),
    ...(options.loadFile === undefined ? [] : [loadCapability(options.loadFile)]),
    ...outputCapabilities(options.output),
    ...fileCapabilities(),
    ...dataCapabilities(),
    ...systemCapabilities(options.clock, options.readVariable),
    ...stateCapabilities(),
    httpFetchCapability(),
  ];
}
