import { pathToFileURL } from "node:url";
import { locateModule } from "./named-modules.ts";

/**
 * What a module that the configuration names is for: its default export, else its export `handler`; a
 * function among these is called, and its result counts. To load a module is to run it, so whoever calls
 * this has made sure that the configuration is trusted.
 *
 * @param from the file that names it, from where packages are looked for
 */
export async function loadModule(module: string, from: string): Promise<unknown> {
  const loaded = (await import(pathToFileURL(locateModule(module, from)).href)) as {
    readonly default?: unknown;
    readonly handler?: unknown;
  };
  const exported = loaded.default ?? loaded.handler;
  return typeof exported === "function" ? await (exported as () => unknown)() : exported;
}
