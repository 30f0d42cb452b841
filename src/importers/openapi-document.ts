import { CcosError, fail, getOwn, isJsonObject, oneLine, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { NotImported, Warn } from "./declaration.ts";
import { readTree, type DescriptionTree } from "./description-tree.ts";
import { lookUp, pointerText } from "./json-pointer.ts";
import { gatherFiles, type Gathered } from "./openapi-files.ts";
import { repairSwagger } from "./openapi-swagger.ts";
import type { Source } from "./read-source.ts";

const NOUN = "OpenAPI description";

/** A description of any dialect in the words of OpenAPI 3.1, as far as it could be read. */
export interface OpenApiDocument {
  readonly root: JsonObject;
  /** The dialect it was written in, such as `2.0` or `3.0.3`. */
  readonly version: string;
  /** What was broken before operations could be told apart. */
  readonly broken: readonly NotImported[];
  /**
   * What a value stands for: itself, or what its `$ref` leads to. Throws `invalid-argument` where that leads nowhere, or
   * round in a circle.
   */
  readonly resolve: (value: JsonValue | undefined) => JsonValue | undefined;
  /** `FILE:LINE:COLUMN (POINTER)` in the first file, as far as it is known. */
  readonly placeOf: (pointer: readonly string[]) => Promise<string>;
}

/** Reads a description with all of its files. Throws where it is none. */
export async function readOpenApi(source: Source, warn: Warn): Promise<OpenApiDocument> {
  const tree = await readTree(source, NOUN);
  if (!isJsonObject(tree.value)) return fail("invalid-argument", `${source.shown} is a list and no ${NOUN}.`);
  const version = versionOf(tree.value, source);
  const gathered = await gatherFiles(source, tree.value, NOUN);
  const broken: NotImported[] = [];
  const root = await upgraded(gathered.root, version, { tree, source, broken, warn });
  return {
    root,
    version,
    broken,
    resolve: (value) => resolveIn(root, gathered, value),
    placeOf: (pointer) => placeOf(source, tree, pointer),
  };
}

function versionOf(root: JsonObject, { shown }: Source): string {
  const said = getOwn<JsonValue>(root, "openapi") ?? getOwn<JsonValue>(root, "swagger");
  // YAML reads an unquoted 2.0 or 3.1 as a number.
  const version = typeof said === "number" ? (Number.isInteger(said) ? `${said}.0` : String(said)) : said;
  if (typeof version !== "string") {
    return fail("invalid-argument", `${shown} is no OpenAPI description: it says neither "openapi" nor "swagger".`, {
      remedy: "Give a description in OpenAPI 3.0 or 3.1, or Swagger 2.0.",
    });
  }
  if (!/^(?:2\.0|3\.[0-2])(?:\.|-|$)/.test(version)) {
    fail(
      "invalid-argument",
      `${shown} is written in version ${JSON.stringify(oneLine(version, 40))}, which is not known.`,
      {
        remedy: "Convert it to OpenAPI 3.0 or 3.1, or Swagger 2.0.",
      },
    );
  }
  return version;
}

interface Upgrading {
  readonly tree: DescriptionTree;
  readonly source: Source;
  readonly broken: NotImported[];
  readonly warn: Warn;
}

async function upgraded(root: JsonObject, version: string, upgrading: Upgrading): Promise<JsonObject> {
  // The library changes what it is given, and knows the exact forms only.
  const isSwagger = version.startsWith("2.");
  const given: JsonObject = { ...root };
  if (isSwagger) {
    delete given["openapi"];
    given["swagger"] = "2.0";
    const places = (pointer: readonly string[]): Promise<string> => placeOf(upgrading.source, upgrading.tree, pointer);
    await repairSwagger(given, upgrading.broken, places);
  } else given["openapi"] = /^3\.[01]$/.test(version) ? `${version}.0` : version;
  const { upgrade } = await import("@scalar/openapi-upgrader");
  try {
    return upgrade(given, "3.1") as unknown as JsonObject;
  } catch (error) {
    if (isSwagger) {
      const what = oneLine((error as Error).message, 200);
      fail("invalid-argument", `${upgrading.source.shown} cannot be read as Swagger 2.0: ${what}`, { cause: error });
    }
    upgrading.warn(`Some older forms in ${upgrading.source.shown} are read as they are: ${(error as Error).message}`);
    return root;
  }
}

async function placeOf({ shown }: Source, tree: DescriptionTree, pointer: readonly string[]): Promise<string> {
  const line = await tree.lineOf(pointer).catch(() => undefined);
  const text = pointerText(pointer);
  return line === undefined ? `${shown} ${text}` : `${shown}:${line} ${text}`;
}

const LONGEST_CHAIN = 50;

function resolveIn(root: JsonObject, { missing }: Gathered, value: JsonValue | undefined): JsonValue | undefined {
  let at = value;
  for (let hop = 0; isJsonObject(at) && typeof at["$ref"] === "string"; hop++) {
    const reference = at["$ref"];
    if (hop >= LONGEST_CHAIN) fail("invalid-argument", `The reference ${quoted(reference)} goes round in a circle.`);
    const why = missing.get(reference);
    if (why !== undefined) throw new CcosError("invalid-argument", why);
    const target = lookUp(root, reference);
    if (target === undefined) return fail("invalid-argument", `The reference ${quoted(reference)} leads nowhere.`);
    at = target;
  }
  return at;
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 200));
}
