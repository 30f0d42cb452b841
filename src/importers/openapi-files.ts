import { isCcosError, type CcosError, isJsonObject, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { readTree } from "./description-tree.ts";
import type { Source, SourceText } from "./read-source.ts";

/** Where the trees of further files stand in the first one. */
const FILES = "x-ccos-files";
/** Data of the service: what looks like a reference in there is none. */
const DATA: ReadonlySet<string> = new Set(["example", "examples", "default", "enum", "const", "mapping"]);
/** Below these, keys are names and no words of the description. */
const NAMED: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "schemas",
  "definitions",
  "$defs",
  "paths",
  "parameters",
  "responses",
]);

/** A description of several files as one tree. */
export interface Gathered {
  readonly root: JsonObject;
  /** Why a reference to another file leads nowhere, by the reference as it still stands in the tree. */
  readonly missing: ReadonlyMap<string, string>;
}

/**
 * Reads the files a description refers to and puts them into its tree, so that every reference is one within
 * it. What cannot be read stays as it is, with the reason.
 */
export async function gatherFiles(source: Source, root: JsonObject, noun: string): Promise<Gathered> {
  const missing = new Map<string, string>();
  const places = new Map<string, string>([[source.url.href, "#"]]);
  const trees: JsonObject = {};
  const waiting: { readonly tree: JsonValue; readonly url: URL; readonly place: string }[] = [
    { tree: root, url: source.url, place: "#" },
  ];

  /** Where a file stands in the tree; it is read when it is first referred to. */
  const placeOf = async (reference: string, from: URL): Promise<string> => {
    const named = URL.parse(reference, from.href)?.href ?? reference;
    const known = places.get(named);
    if (known !== undefined) return known;
    const found: SourceText = await source.readBeside(reference, from);
    // Another name of the same file, or a redirect to it.
    let place = places.get(found.url.href);
    if (place === undefined) {
      const { value: tree } = await readTree(found, noun);
      const number = String(Object.keys(trees).length + 1);
      trees[number] = tree;
      place = `#/${FILES}/${number}`;
      places.set(found.url.href, place);
      waiting.push({ tree, url: found.url, place });
    }
    places.set(named, place);
    return place;
  };

  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { tree, url, place } = next;
    for (const holder of referencesIn(tree)) {
      const reference = holder.$ref;
      if (reference.startsWith("#")) {
        if (place !== "#") holder.$ref = place + reference.slice(1);
        continue;
      }
      const [file = "", fragment = ""] = reference.split("#", 2);
      if (missing.has(reference)) continue;
      try {
        holder.$ref = (await placeOf(file, url)) + fragment;
      } catch (error) {
        if (!isCcosError(error) || stopsAll(error)) throw error;
        missing.set(reference, error.message);
      }
    }
  }
  return { root: Object.keys(trees).length === 0 ? root : { ...root, [FILES]: trees }, missing };
}

function stopsAll({ code }: CcosError): boolean {
  return code === "canceled" || code === "deadline-exceeded" || code === "internal";
}

interface ReferenceHolder extends JsonObject {
  $ref: string;
}

function* referencesIn(tree: JsonValue): Generator<ReferenceHolder> {
  const stack: { readonly value: JsonValue; readonly isNamed: boolean }[] = [{ value: tree, isNamed: false }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, isNamed } = next;
    if (Array.isArray(value)) {
      for (const item of value)
        if (typeof item === "object" && item !== null) stack.push({ value: item, isNamed: false });
    } else if (isJsonObject(value)) {
      if (!isNamed && typeof value["$ref"] === "string") yield value as ReferenceHolder;
      for (const [key, item] of Object.entries(value)) {
        if (typeof item !== "object" || item === null) continue;
        if (!isNamed && (DATA.has(key) || key.startsWith("x-"))) continue;
        stack.push({ value: item, isNamed: !isNamed && NAMED.has(key) });
      }
    }
  }
}
