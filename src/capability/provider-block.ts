import { didYouMean, getOwn, isJsonObject, type JsonObject } from "../kernel/index.ts";
import type { SessionDelegate } from "./call.ts";
import { createFlatMetadata } from "./flatten-metadata.ts";
import type { ProviderBlock } from "./manifest.ts";

/** What has to be known of providers to read a file. */
export type ProviderKnowledge = Pick<SessionDelegate, "providers" | "manifestTraits">;

export const NO_PROVIDERS: ProviderKnowledge = { providers: () => [], manifestTraits: () => undefined };

const SUFFIX = "_requires_session";

/**
 * Whether flattened metadata asks for a session: some key `<provider>_requires_session` says "true" or
 * "auto". This is all that decides it, whatever the provider.
 */
export function requiresSession(flatMetadata: Readonly<Record<string, string>>): boolean {
  return Object.entries(flatMetadata).some(
    ([key, value]) => key.length > SUFFIX.length && key.endsWith(SUFFIX) && (value === "true" || value === "auto"),
  );
}

export type ProviderChoice =
  | { readonly block: ProviderBlock | undefined; readonly warnings: readonly string[] }
  | { readonly error: string; readonly remedy?: string | undefined };

export interface ProviderQuestion {
  readonly metadata: JsonObject;
  readonly flatMetadata: Readonly<Record<string, string>>;
  /** What the key `:provider` names, unless it means this process. */
  readonly named: string | undefined;
  /** The file brings code of its own. */
  readonly hasImplementation: boolean;
}

interface Statement {
  readonly provider: string;
  readonly key: string;
  readonly value: string;
}

/**
 * The provider that executes a capability. A block that requires a session decides; then code of the
 * file's own (no provider); then the key `:provider`; then the first block of a known provider.
 */
export function chooseProvider(question: ProviderQuestion, knowledge: ProviderKnowledge): ProviderChoice {
  const known = knowledge.providers();
  const statements = statementsOf(question.flatMetadata, known);
  const wrong = statements.find(({ value }) => value !== "true" && value !== "auto" && value !== "false");
  if (wrong !== undefined) {
    return {
      error: `The metadata ${wrong.key} is "${wrong.value.slice(0, 60)}".`,
      remedy: 'Write :requires_session "true", "auto" or "false".',
    };
  }
  const requiring = statements.filter(({ value }) => value !== "false");
  const [first, second] = requiring;
  if (first !== undefined && second !== undefined) {
    return {
      error: `Two metadata blocks require sessions: ${first.key} and ${second.key}.`,
      remedy: "A capability is executed by one provider: leave :requires_session in one block.",
    };
  }
  if (first !== undefined) {
    if (!known.includes(first.provider)) return unregistered(first.provider, known);
    const warnings = question.hasImplementation
      ? [`:implementation is not used, because ${first.key} asks for a session.`]
      : [];
    return { block: blockOf(first.provider, statements), warnings };
  }
  if (question.hasImplementation) return { block: undefined, warnings: [] };

  const candidates = candidatesOf(question, statements, known);
  const [chosen, other] = candidates;
  if (chosen === undefined) {
    return question.named === undefined ? { block: undefined, warnings: [] } : unregistered(question.named, known);
  }
  if (!known.includes(chosen)) return unregistered(chosen, known);
  const warnings: string[] = [];
  if (other !== undefined) warnings.push(`The metadata names several providers; "${chosen}" is used, not "${other}".`);
  if (!statements.some(({ provider }) => provider === chosen)) {
    warnings.push(
      `The provider block :${chosen} has no :requires_session, so every call opens a session of its own. ` +
        'Write "auto" to share sessions, or "false" if that is meant.',
    );
  }
  return { block: blockOf(chosen, statements), warnings };
}

function unregistered(provider: string, known: readonly string[]): ProviderChoice {
  return {
    error: `No handler is registered for the provider "${provider}". ${listed(known)}`,
    remedy: didYouMean(provider, known) || "Register a handler for it, or correct the name of the metadata block.",
  };
}

function listed(known: readonly string[]): string {
  return known.length === 0 ? "None is registered." : `Registered: ${known.join(", ")}.`;
}

function blockOf(provider: string, statements: readonly Statement[]): ProviderBlock {
  const said = statements.find((statement) => statement.provider === provider);
  return {
    provider,
    key: said?.key ?? provider + SUFFIX,
    requiresSession: (said?.value ?? "false") as "true" | "auto" | "false",
  };
}

/** Every `<provider>_requires_session`; a hyphenated spelling and its double with underscores are one. */
function statementsOf(flat: Readonly<Record<string, string>>, known: readonly string[]): Statement[] {
  const bySpelling = new Map<string, Statement>();
  for (const key in flat) {
    if (!key.endsWith(SUFFIX) || key.length === SUFFIX.length) continue;
    const raw = flat[key] as string;
    const provider = key.slice(0, -SUFFIX.length);
    const spelling = provider.replaceAll("-", "_");
    if (bySpelling.has(spelling) && !known.includes(provider)) continue;
    bySpelling.set(spelling, { provider, key, value: raw.trim().toLowerCase() });
  }
  return [...bySpelling.values()];
}

/** Providers named without requiring a session, in the order in which they count. */
function candidatesOf(
  question: ProviderQuestion,
  statements: readonly Statement[],
  known: readonly string[],
): string[] {
  const candidates = new Set<string>();
  if (question.named !== undefined && known.includes(question.named)) candidates.add(question.named);
  for (const name of Object.keys(question.metadata)) {
    const isBlock = isJsonObject(getOwn(question.metadata, name));
    if (isBlock && (known.includes(name) || statements.some(({ provider }) => provider === name))) candidates.add(name);
  }
  for (const { provider } of statements) candidates.add(provider);
  for (const key of Object.keys(question.flatMetadata)) {
    const provider = known.find((name) => key.startsWith(`${name}_`));
    if (provider !== undefined) candidates.add(provider);
  }
  return [...candidates];
}

/**
 * The flat metadata with what the provider's handler says of other spellings: the canonical key is added
 * where it is missing and an alias, or a key of older files, is there.
 */
export function withAliases(
  flat: Readonly<Record<string, string>>,
  provider: string,
  knowledge: ProviderKnowledge,
): Readonly<Record<string, string>> {
  const traits = knowledge.manifestTraits(provider);
  if (traits === undefined) return flat;
  // Copied only where something is to be added: most files are written with the canonical keys.
  let full = flat as Record<string, string>;
  for (const [key, spelling] of aliasesOf(provider, traits)) {
    const value = full[spelling];
    if (value === undefined || full[key] !== undefined) continue;
    if (full === flat) full = Object.assign(createFlatMetadata(), flat);
    full[key] = value;
  }
  return full;
}

type Traits = NonNullable<ReturnType<ProviderKnowledge["manifestTraits"]>>;

type Aliases = readonly (readonly [key: string, spelling: string])[];

const aliases = new WeakMap<Traits, Map<string, Aliases>>();

/** Flat keys, each with another spelling of it, in the order in which they count. */
function aliasesOf(provider: string, traits: Traits): Aliases {
  let byProvider = aliases.get(traits);
  if (byProvider === undefined) aliases.set(traits, (byProvider = new Map()));
  let pairs = byProvider.get(provider);
  if (pairs === undefined) {
    pairs = [
      ...Object.entries(traits.metadataAliases ?? {}).flatMap(([canonical, spellings]) =>
        spellings.map((spelling) => [`${provider}_${canonical}`, `${provider}_${spelling}`] as const),
      ),
      ...Object.entries(traits.legacyKeys ?? {}).map(
        ([whole, canonical]) => [`${provider}_${canonical}`, whole] as const,
      ),
    ];
    byProvider.set(provider, pairs);
  }
  return pairs;
}

const knownKeys = new WeakMap<Traits, ReadonlySet<string>>();

/** The keys that a provider's block may have, in every spelling; undefined where its handler does not say. */
function knownKeysOf(traits: Traits): ReadonlySet<string> | undefined {
  if (traits.metadataKeys === undefined) return undefined;
  let known = knownKeys.get(traits);
  if (known === undefined) {
    known = new Set([
      "requires_session",
      ...traits.metadataKeys,
      ...Object.entries(traits.metadataAliases ?? {}).flat(2),
    ]);
    knownKeys.set(traits, known);
  }
  return known;
}

/** Keys of a provider's block that its handler does not know. */
export function unknownBlockKeys(
  metadata: JsonObject,
  provider: string,
  knowledge: ProviderKnowledge,
): { key: string; hint: string }[] {
  const traits = knowledge.manifestTraits(provider);
  const known = traits && knownKeysOf(traits);
  const block = getOwn(metadata, provider);
  if (known === undefined || !isJsonObject(block)) return [];
  return Object.keys(block)
    .filter((key) => !known.has(key) && !known.has(key.replaceAll("-", "_")))
    .map((key) => ({ key, hint: didYouMean(key, known) }));
}

/** What the handler needs and the flat metadata lack, each as the keys of which one would do. */
export function missingBlockKeys(
  flat: Readonly<Record<string, string>>,
  provider: string,
  knowledge: ProviderKnowledge,
): (readonly string[])[] {
  const needed = knowledge.manifestTraits(provider)?.neededKeys ?? [];
  return needed.filter((keys) => !keys.some((key) => (flat[`${provider}_${key}`] ?? "") !== ""));
}
