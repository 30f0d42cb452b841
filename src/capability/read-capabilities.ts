import { CcosError, type ErrorPlace } from "../kernel/index.ts";
import { read } from "../rtfs/index.ts";
import { findDeclarations } from "./capability-forms.ts";
import { createDataEvaluator, type DataEvaluator } from "./evaluate-data.ts";
import type { Manifest } from "./manifest.ts";
import { NO_PROVIDERS, type ProviderKnowledge } from "./provider-block.ts";
import type { ReadWarning } from "./field-reader.ts";
import { readManifest } from "./read-manifest.ts";

export interface ReadCapabilitiesOptions {
  /** Named in places. */
  readonly file?: string | undefined;
  /** See `Origin.trusted`. */
  readonly trusted: boolean;
  /** Computes what is written as code and meant as data. Default: one for this text alone. */
  readonly evaluate?: DataEvaluator | undefined;
  /** The providers there are, and how their older files are read. Default: none. */
  readonly providers?: ProviderKnowledge | undefined;
}

export interface ReadCapabilities {
  readonly manifests: readonly Manifest[];
  /** Every mistake with its place; those of one capability do not stop the others. */
  readonly errors: readonly CcosError[];
  readonly warnings: readonly ReadWarning[];
}

const MOST_PROBLEMS = 200;

/**
 * The capabilities that a text declares. Nothing in it is executed: only `:metadata` that is not plain data
 * is evaluated, without a host and within small limits. Never throws.
 */
export function readCapabilities(text: string, options: ReadCapabilitiesOptions): ReadCapabilities {
  const { forms, errors: readErrors } = read(text, { file: options.file });
  const found = findDeclarations(forms);
  const errors: CcosError[] = [...readErrors, ...found.errors];
  const warnings: ReadWarning[] = [];
  const manifests = new Map<string, Manifest>();
  const context = {
    file: options.file,
    trusted: options.trusted,
    providers: options.providers ?? NO_PROVIDERS,
    evaluate: options.evaluate ?? createDataEvaluator(),
  };
  for (const declaration of found.declarations) {
    const reading = readManifest(declaration, context);
    errors.push(...reading.errors);
    warnings.push(...reading.warnings);
    const { manifest } = reading;
    if (manifest === undefined) continue;
    const earlier = manifests.get(manifest.id);
    if (earlier === undefined) manifests.set(manifest.id, manifest);
    else errors.push(duplicateError(manifest, earlier));
  }
  if (errors.length > 1)
    errors.sort(
      (a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
    );
  return {
    manifests: [...manifests.values()],
    errors: errors.slice(0, MOST_PROBLEMS),
    warnings: warnings.slice(0, MOST_PROBLEMS),
  };
}

/** One id declared twice; names both places. */
export function duplicateError(manifest: Manifest, earlier: Manifest): CcosError {
  return new CcosError(
    "invalid-argument",
    `The capability ${JSON.stringify(manifest.id)} of ${describeOrigin(manifest)} is declared in ${describeOrigin(earlier)} too.`,
    { place: manifest.origin.place, remedy: "Rename or remove one of the two." },
  );
}

/** Where a manifest comes from, for people. */
export function describeOrigin(manifest: Manifest): string {
  const { file, place } = manifest.origin;
  const at = place === undefined ? "" : `:${place.line}`;
  return file === undefined ? `a text${at === "" ? "" : `, line ${(place as ErrorPlace).line}`}` : file + at;
}
