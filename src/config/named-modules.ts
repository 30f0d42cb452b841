import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fail, isJsonObject } from "../kernel/index.ts";

const MOST_MODULES = 1000;
// Wherever it stands: a file too many does no harm.
const IMPORTED = /\b(?:from|import|require)\s*\(?\s*(["'])(\.[^"'\n]*)\1/g;

/** The file of a module, as a configuration or another module names it. Throws where there is none. */
export function locateModule(module: string, from: string): string {
  return createRequire(from).resolve(module);
}

/**
 * The files that run when the modules of a configuration are loaded: those it names, and those that they import
 * by relative paths. Packages that they import by name in turn are not among them.
 */
export async function modulesOf(config: string): Promise<string[]> {
  const found = new Set<string>();
  const open = (await namedIn(config)).map((module) => fileOf(module, config));
  for (let module = open.pop(); module !== undefined; module = open.pop()) {
    if (found.has(module)) continue;
    found.add(module);
    if (found.size > MOST_MODULES)
      fail("invalid-argument", `The modules that ${config} names import more than ${MOST_MODULES} files.`);
    const text = await readFile(module, "utf8").catch(() => "");
    for (const [, , imported] of text.matchAll(IMPORTED)) open.push(fileOf(imported as string, module));
  }
  return [...found].sort();
}

/** A module that is not there stands for the place where it would be. */
function fileOf(module: string, from: string): string {
  try {
    return locateModule(module, from);
  } catch {
    return resolve(dirname(from), module);
  }
}

async function namedIn(config: string): Promise<string[]> {
  try {
    const parsed: unknown = JSON.parse((await readFile(config, "utf8")).replace(/^\uFEFF/, ""));
    const providers = isJsonObject(parsed) ? parsed["providers"] : undefined;
    return isJsonObject(providers) ? Object.values(providers).filter((module) => typeof module === "string") : [];
  } catch {
    return [];
  }
}
