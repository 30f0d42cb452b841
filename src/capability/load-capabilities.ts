import { setImmediate } from "node:timers/promises";
import { CcosError } from "../kernel/index.ts";
import { createDataEvaluator, type DataEvaluator } from "./evaluate-data.ts";
import type { ReadWarning } from "./field-reader.ts";
import { findFiles, unreadable } from "./find-files.ts";
import type { Manifest } from "./manifest.ts";
import type { ProviderKnowledge } from "./provider-block.ts";
import {
  duplicateError,
  readCapabilities,
  type ReadCapabilities,
  type ReadCapabilitiesOptions,
} from "./read-capabilities.ts";
import { readTextFile } from "./read-text-file.ts";

export interface LoadCapabilitiesOptions {
  /** Whether what is found in a file is trusted, asked with the text that was read; see `Origin.trusted`. */
  readonly trusted: boolean | ((file: string, text: string) => boolean | Promise<boolean>);
  readonly providers?: ProviderKnowledge | undefined;
  /** Bytes of one file. Default 10 MB. */
  readonly maxFileBytes?: number | undefined;
  /** Files in all. Default 20,000. */
  readonly maxFiles?: number | undefined;
}

export interface LoadedCapabilities {
  readonly manifests: readonly Manifest[];
  /** Of all files, each with its file and place. A broken file never stops the others. */
  readonly errors: readonly CcosError[];
  readonly warnings: readonly ReadWarning[];
  /** The files read, sorted within each path given. */
  readonly files: readonly string[];
}

/** How long loading may hold the event loop, in milliseconds. */
const SLICE_MS = 10;

/**
 * Reads capability files: each path is a file, or a folder searched with its subfolders for `*.rtfs`.
 * Never throws: a path that does not exist is among the errors.
 */
export async function loadCapabilities(
  paths: readonly string[],
  options: LoadCapabilitiesOptions,
): Promise<LoadedCapabilities> {
  const errors: CcosError[] = [];
  const warnings: ReadWarning[] = [];
  const files = await findFiles(paths, options.maxFiles ?? 20_000, errors);
  const byId = new Map<string, Manifest>();
  const evaluate = createDataEvaluator();
  let sliceEnd = performance.now() + SLICE_MS;
  for (const file of files) {
    if (performance.now() > sliceEnd) {
      await setImmediate();
      sliceEnd = performance.now() + SLICE_MS;
    }
    const reading = readOne(file, options, evaluate);
    // Waited for only where there is something to wait for: a turn of the queue for every file would be felt.
    const { manifests, errors: own, warnings: told } = reading instanceof Promise ? await reading : reading;
    for (const error of own) errors.push(error);
    for (const warning of told) warnings.push(warning);
    for (const manifest of manifests) {
      const earlier = byId.get(manifest.id);
      if (earlier === undefined) byId.set(manifest.id, manifest);
      // What is not trusted does not take the place of what is, whichever comes first.
      else if (manifest.origin.trusted && !earlier.origin.trusted) {
        byId.set(manifest.id, manifest);
        errors.push(duplicateError(earlier, manifest));
      } else errors.push(duplicateError(manifest, earlier));
    }
  }
  return { manifests: [...byId.values()], errors, warnings, files };
}

function readOne(
  file: string,
  options: LoadCapabilitiesOptions,
  evaluate: DataEvaluator,
): ReadCapabilities | Promise<ReadCapabilities> {
  const { trusted, providers, maxFileBytes = 10_000_000 } = options;
  const failed = (error: CcosError): ReadCapabilities => ({ manifests: [], errors: [error], warnings: [] });
  let text: ReturnType<typeof readTextFile>;
  try {
    text = readTextFile(file, maxFileBytes);
  } catch (error) {
    return failed(unreadable(file, error));
  }
  if (typeof text !== "string") return failed(tooLarge(file, text.size, maxFileBytes));
  if (typeof trusted === "boolean") return readCapabilities(text, { file, trusted, providers, evaluate });
  return judgeAndRead(file, text, trusted, { providers, evaluate }).catch((error: unknown) =>
    failed(unreadable(file, error)),
  );
}

/** Trust is judged of the text at hand, so that nothing can be put in its place between the question and the reading. */
async function judgeAndRead(
  file: string,
  text: string,
  isTrusted: Exclude<LoadCapabilitiesOptions["trusted"], boolean>,
  options: Pick<ReadCapabilitiesOptions, "providers" | "evaluate">,
): Promise<ReadCapabilities> {
  return readCapabilities(text, { ...options, file, trusted: await isTrusted(file, text) });
}

function tooLarge(file: string, size: number, maxFileBytes: number): CcosError {
  return new CcosError(
    "invalid-argument",
    `${file} has ${size} bytes, more than the ${maxFileBytes} a capability file may have.`,
    {
      place: { file, line: 1, column: 1 },
      remedy: "Split it into several files.",
    },
  );
}
