import { BUILT_IN_HANDLERS } from "./built-in-handlers.ts";
import {
  checkPrograms,
  loadCapabilities,
  type LoadedCapabilities,
  type Manifest,
  type ProgramFindings,
  type ReadWarning,
} from "./capability/index.ts";
import { anchored } from "./config/index.ts";
import { toCcosError, type CcosError } from "./kernel/index.ts";
import { checkSettings } from "./session/index.ts";

/** What checking finds, besides what loading would: warnings of programs and of the code of capabilities, too. */
export interface CheckedFiles extends Omit<LoadedCapabilities, "warnings"> {
  readonly warnings: readonly (ReadWarning | ProgramFindings["warnings"][number])[];
}

/**
 * Reads and validates files and folders as loading would, looks through the code in them, and executes nothing.
 * Providers that the configuration names are known by name; their modules are not loaded.
 */
export async function checkCapabilities(
  paths: readonly string[],
  options: { readonly cwd?: string | undefined; readonly providers?: readonly string[] | undefined } = {},
): Promise<CheckedFiles> {
  const builtIn = new Map(BUILT_IN_HANDLERS.map(({ provider, traits }) => [provider, traits]));
  const knowledge = {
    providers: () => [...builtIn.keys(), ...(options.providers ?? [])],
    manifestTraits: (provider: string) =>
      builtIn.get(provider) ?? (options.providers?.includes(provider) ? {} : undefined),
  };
  const loaded = await loadCapabilities(anchored(paths, options.cwd ?? process.cwd()), {
    trusted: true,
    providers: knowledge,
  });
  const programs = checkPrograms(loaded.files);
  return {
    ...loaded,
    errors: [...loaded.errors, ...loaded.manifests.flatMap(mistakeInSettings), ...programs.errors],
    warnings: [...loaded.warnings, ...programs.warnings],
  };
}

function mistakeInSettings(manifest: Manifest): CcosError[] {
  try {
    checkSettings(manifest);
    return [];
  } catch (error) {
    return [toCcosError(error).with({ place: manifest.origin.place })];
  }
}
