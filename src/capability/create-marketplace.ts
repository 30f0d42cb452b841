import { CapabilityMarketplace, type MarketplaceOptions } from "./marketplace.ts";
import { nativeCapabilities, type LoadFile, type OutputSinks } from "./native/index.ts";

export interface CreateMarketplaceOptions extends MarketplaceOptions {
  /** A variable of the environment as it is now, for `ccos.system.get-env`. Default: there are none. */
  readonly readVariable?: ((name: string) => string | undefined) | undefined;
  /** Where programs print and log. Default: nowhere. */
  readonly output?: OutputSinks | undefined;
  /** Loads capability files for programs that ask for it. Default: they cannot. */
  readonly loadFile?: LoadFile | undefined;
}

const SILENT: OutputSinks = { print: () => {}, log: () => {} };

/** A marketplace that holds the capabilities of the runtime, `ccos.*`. */
export function createMarketplace(options: CreateMarketplaceOptions): CapabilityMarketplace {
  const marketplace = new CapabilityMarketplace(options);
  const natives = nativeCapabilities({
    clock: options.clock,
    readVariable: options.readVariable ?? (() => undefined),
    output: options.output ?? SILENT,
    lookup: marketplace,
    loadFile: options.loadFile,
  });
  for (const manifest of natives) marketplace.register(manifest);
  return marketplace;
}
