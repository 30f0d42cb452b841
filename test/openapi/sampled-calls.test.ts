import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Manifest } from "../../src/capability/manifest.ts";
import { createEnvironment } from "../../src/environment.ts";
import { importOpenApi } from "../../src/importers/index.ts";
import { createSeededRandom, isCcosError, type JsonObject, type JsonValue } from "../../src/kernel/index.ts";
import { githubDescription, peerFile, peersInstalled } from "../peers/peers.ts";
import { SchemaValues } from "./schema-values.ts";
import { startValidatingServer, type Definition, type ValidatingServer } from "./validating-server.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-sample-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Block {
  readonly path: string;
  readonly method: string;
  readonly operation_id: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly as?: string }[];
  readonly request_body?: { readonly as?: string };
}

interface Described extends JsonObject {
  readonly paths: Record<string, Record<string, JsonObject>>;
}

/** What a caller who has read the description gives; the file only says under which keys. */
function inputOf(
  block: Block,
  description: Described,
  values: SchemaValues,
  examples: boolean,
): Record<string, unknown> {
  const item = description.paths[block.path.replaceAll("{+", "{")] as Record<string, JsonObject>;
  const operation = item[block.method.toLowerCase()] as JsonObject;
  const declared = [item["parameters"], operation["parameters"]].flat().map((each) => values.resolve(each));
  const input: Record<string, unknown> = {};
  for (const { name, in: place, as = name } of block.parameters) {
    const parameter = declared.findLast((each) => each["name"] === name && each["in"] === place) ?? {};
    if (parameter["required"] !== true && place !== "path" && !values.chance(0.6)) continue;
    input[as] = parameterValue(parameter, place, values, examples);
  }
  const body = values.resolve(operation["requestBody"]);
  if (block.request_body !== undefined && (body["required"] === true || values.chance(0.7))) {
    input[block.request_body.as ?? "body"] = bodyValue(body, values, examples);
  }
  return input;
}

function parameterValue(
  parameter: Record<string, unknown>,
  place: string,
  values: SchemaValues,
  examples: boolean,
): unknown {
  const [media] = Object.values((parameter["content"] ?? {}) as Record<string, JsonObject>);
  const schema = parameter["schema"] ?? media?.["schema"];
  const named = Object.values((parameter["examples"] ?? {}) as object).map((each) => values.resolve(each)["value"]);
  const [example = parameter["example"]] = named;
  if (examples && example !== undefined) return example;
  // In a path or query a number cannot be told from a text of digits: a server that reads both takes neither.
  const choices = (values.resolve(schema)["oneOf"] ?? []) as unknown[];
  const texts = choices.filter((choice) => values.resolve(choice)["type"] === "string");
  const value = texts.length > 0 ? "a text" : values.value(schema);
  // The library of the server takes an empty list and a slash in a path for something else than they are.
  if (Array.isArray(value) && value.length === 0) return [values.value(values.resolve(schema)["items"])];
  return place === "path" && typeof value === "string" ? value.replaceAll("/", "-") : value;
}

function bodyValue(body: Record<string, unknown>, values: SchemaValues, examples: boolean): unknown {
  const content = body["content"] as Record<string, JsonObject>;
  const type = Object.keys(content).find((each) => each.includes("json")) ?? (Object.keys(content)[0] as string);
  const media = content[type] as JsonObject;
  if (!/json|form/.test(type)) return "some plain text";
  const [named] = Object.values((media["examples"] ?? {}) as object).map((each) => values.resolve(each)["value"]);
  const example: unknown = named ?? media["example"];
  return examples && example !== undefined && typeof example === "object" ? example : values.value(media["schema"]);
}

interface Sampled {
  readonly called: number;
  readonly answered: number;
  readonly failures: ReadonlyMap<string, number>;
  readonly server: ValidatingServer;
}

/** Imports a description, chooses operations by chance, and calls each through an environment. */
async function sample(name: string, text: string, count: number, seed: number, hasMocks = true): Promise<Sampled> {
  const definition = (text.startsWith("{") ? JSON.parse(text) : parse(text)) as Described & Definition;
  const server = await startValidatingServer(structuredClone(definition), { hasMocks });
  try {
    const source = join(folder, `${name}.txt`);
    writeFileSync(source, text);
    const out = join(folder, name);
    const imported = await importOpenApi({ source, out, prefix: name, server: server.url, authEnv: "SAMPLE_TOKEN" });
    expect(imported.notImported).toEqual([]);
    const random = createSeededRandom(seed);
    const values = new SchemaValues(definition, random);
    await using env = await createEnvironment({
      capabilities: [out],
      config: {},
      env: { SAMPLE_TOKEN: "token-of-a-sample" },
      cwd: folder,
    });
    const ids = [...imported.capabilities];
    const failures = new Map<string, number>();
    const before: string[] = [];
    let answered = 0;
    for (let called = 0; called < count; called++) {
      const [id = ""] = ids.splice(Math.floor(random.next() * ids.length), 1);
      const block = (env.capabilities.get(id) as Manifest).metadata["openapi"] as unknown as Block;
      before.push(block.operation_id);
      const call = async (examples: boolean): Promise<void> => {
        await env.call(id, inputOf(block, definition, values, examples) as JsonValue);
        answered++;
      };
      try {
        const examples = values.chance(0.5);
        await call(examples).catch((error: unknown) => {
          // An example may contradict its own schema: then it is not sent.
          if (!examples || !isCcosError(error) || error.code !== "invalid-argument") throw error;
          return call(false);
        });
      } catch (error) {
        if (!isCcosError(error)) throw error;
        const key = error.code === "invalid-argument" ? `${error.code}: ${id} ${error.message}` : error.code;
        failures.set(key, (failures.get(key) ?? 0) + 1);
      }
    }
    expect(server.invalid).toEqual([]);
    // What was refused before it left would be a mistake of the file.
    expect([...failures.keys()].filter((code) => code.startsWith("invalid-argument"))).toEqual([]);
    expect(server.operations).toEqual(before);
    return { called: count, answered, failures, server };
  } finally {
    await server.stop();
  }
}

describe.skipIf(!peersInstalled)("operations called as their description says (needs npm run peers)", () => {
  test("200 operations of GitHub: no request is invalid", { timeout: 240_000 }, async () => {
    const { called, answered, failures, server } = await sample("github", githubDescription(), 200, 20_261);
    console.log(`GitHub: ${called} called, ${server.invalid.length} invalid, ${answered} answered`, failures);
    // An example that contradicts its own schema is an answer of the wrong kind.
    expect(answered).toBeGreaterThan(185);
  });

  test("45 operations of Figma, which asks for a credential: no request is invalid", { timeout: 60_000 }, async () => {
    const text = readFileSync(peerFile("@figma/rest-api-spec", "openapi", "openapi.yaml"), "utf8");
    const { called, answered, failures, server } = await sample("figma", text, 45, 7, false);
    console.log(`Figma: ${called} called, ${server.invalid.length} invalid, ${answered} answered`, failures);
    expect(answered).toBe(45);
  });
});
