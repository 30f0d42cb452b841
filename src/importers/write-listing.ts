import { resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isCcosError, oneLine, throwIfAborted } from "../kernel/index.ts";
import { isAny, print, type Type } from "../rtfs/index.ts";
import { capabilityText, moduleText, type NamedDeclaration } from "./capability-text.ts";
import { label, prose } from "./clean-text.ts";
import type {
  Declaration,
  ImportOptions,
  ImportResult,
  ListedOperation,
  Listing,
  NotImported,
  Warn,
} from "./declaration.ts";
import { matchesGlob } from "./glob.ts";
import { assignNames, checkPrefix, idSegment, type Named } from "./names.ts";
import { saveFiles, type GeneratedFile } from "./save-files.ts";
import { findStaleFiles, removeFiles } from "./stale-files.ts";

/** An import that has begun. */
export interface ImportRun {
  readonly warnings: string[];
  readonly warn: Warn;
}

const MOST_WARNINGS = 1_000;

/** Begins an import: throws for what its options have wrong, before anything is read. */
export function beginImport(options: ImportOptions): ImportRun {
  if (options.prefix !== undefined) checkPrefix(options.prefix);
  throwIfAborted(options.signal);
  const warnings: string[] = [];
  return {
    warnings,
    warn: (message) => {
      if (warnings.length < MOST_WARNINGS) warnings.push(oneLine(message, 500));
      else if (warnings.length === MOST_WARNINGS) warnings.push("There are more warnings; they are not kept.");
    },
  };
}

/**
 * Writes down what a service offers, as capability files. The last step of every import.
 *
 * Whatever the service says is data: names become ids of a small alphabet, texts become string literals. An operation that
 * cannot be declared is listed in the result, and the others are written. Importing again replaces files that an import
 * wrote where the service has changed, and touches no others.
 */
export async function writeListing(listing: Listing, options: ImportOptions, run: ImportRun): Promise<ImportResult> {
  const { filter } = options;
  const { warn } = run;
  const serverName = oneLine(listing.serverName.toWellFormed(), 120);
  const prefix =
    options.prefix ?? `${listing.provider}.${idSegment(serverName) || idSegment(listing.fallbackName) || "server"}`;

  const isWanted = (operation: ListedOperation): boolean =>
    (filter === undefined || matchesGlob(operation.name, filter)) && listing.isWanted?.(operation) !== false;
  // All get their names, so that those of the wanted ones do not depend on which are.
  const all = assignNames(
    prefix,
    listing.operations,
    ({ name, idParts }) => idParts ?? [name],
    (message, operation) => {
      if (isWanted(operation)) warn(message);
    },
  );
  const wanted = all.filter(({ item }) => isWanted(item));
  if (wanted.length === 0) {
    const fitting = filter === undefined ? "" : ` whose name fits ${JSON.stringify(filter)}`;
    warn(`${listing.sourceText} lists no ${listing.noun}${fitting}.`);
  }
  const notImported: NotImported[] = [...(listing.notImported ?? [])];
  const declared: Declared[] = [];
  for (const named of wanted) {
    // Thousands of them take seconds, in which a cancellation has to be heard.
    if (declared.length % 64 === 63) await nextTurn();
    throwIfAborted(options.signal);
    const complete = completed(named, { ...listing, serverName }, warn, notImported);
    if (complete !== undefined) declared.push({ fileName: named.fileName, id: named.id, complete });
  }

  const files: GeneratedFile[] = options.single === true ? [] : declared.map(fileOf);
  if (options.single === true && declared.length > 0) {
    files.push({
      fileName: `${prefix}-capabilities-module.rtfs`,
      render: (createdAt) =>
        moduleText(
          {
            name: `${idSegment(prefix)}-capabilities-module`,
            provider: listing.provider,
            server: serverName || listing.fallbackName,
            source: listing.sourceText,
            createdAt,
          },
          declared.map(({ complete }) => complete(createdAt)),
        ),
    });
  }
  const out = resolve(options.cwd ?? process.cwd(), options.out);
  const isOurs = (text: string): boolean => text.includes(`:method "${listing.method}"`);
  const saved = await saveFiles(files, {
    out,
    createdAt: new Date((options.now ?? Date.now)()).toISOString(),
    isOurs,
    warn,
    signal: options.signal,
  });
  const stale =
    options.single === true || listing.isComplete === false
      ? []
      : await findStaleFiles(out, {
          prefix,
          offered: new Set(all.map(({ fileName }) => fileName)),
          isOurs: (text) => isOurs(text) && text.includes(`:source_url ${print(listing.sourceText)}`),
        });
  if (options.prune === true) await removeFiles(stale);
  const names = new Set(saved.map(({ fileName }) => fileName));
  const isSaved = ({ fileName }: Declared): boolean => (options.single === true ? names.size > 0 : names.has(fileName));
  return {
    files: saved.map(({ path }) => path),
    capabilities: declared.filter(isSaved).map(({ id }) => id),
    warnings: run.warnings,
    notImported,
    stale,
  };
}

interface Declared {
  readonly id: string;
  readonly fileName: string;
  /** The declaration as it is written at this instant. */
  readonly complete: (createdAt: string) => NamedDeclaration;
}

function fileOf({ fileName, complete }: Declared): GeneratedFile {
  return { fileName, render: (createdAt) => capabilityText(complete(createdAt)) };
}

/** Undefined, and an entry in `notImported`, where the operation cannot be declared. */
function completed(
  { id, item }: Named<ListedOperation>,
  listing: Listing,
  warn: Warn,
  notImported: NotImported[],
): Declared["complete"] | undefined {
  let declaration: Declaration;
  try {
    declaration = item.declare((message) => warn(`${id}: ${message}`));
  } catch (error) {
    if (!isCcosError(error) || error.code === "canceled" || error.code === "internal") throw error;
    notImported.push({
      operation: label(item.name) || id,
      place: item.place === undefined ? undefined : oneLine(item.place, 300),
      reason: oneLine(error.message, 500),
    });
    return undefined;
  }
  return (createdAt) => completeDeclaration(id, item.name, declaration, listing, createdAt);
}

/** A declaration with everything a file says: where it was found and when, and every text made safe for people. */
export function completeDeclaration(
  id: string,
  operation: string,
  declaration: Declaration,
  listing: Listing,
  createdAt: string,
): NamedDeclaration {
  const { title, description = "", effects = [":network"], inputSchema, outputSchema, metadata } = declaration;
  return {
    id,
    name: label(title ?? "") || label(operation) || id,
    description: prose(description),
    version: "1.0.0",
    effects,
    inputSchema: told(inputSchema),
    outputSchema: told(outputSchema),
    metadata: {
      ...metadata,
      discovery: {
        method: listing.method,
        source_url: listing.sourceText,
        server_name: listing.serverName || listing.fallbackName,
        created_at: createdAt,
      },
    },
  };
}

/** A schema that says nothing is not written. */
function told(type: Type | undefined): Type | undefined {
  return type === undefined || isAny(type) ? undefined : type;
}
