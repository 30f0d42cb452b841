import fc from "fast-check";
import type { Random } from "../../src/kernel/index.ts";

type Schema = Record<string, unknown>;

/**
 * Values that a schema accepts, from its examples where it has some. It knows nothing of the importer: what it makes is what
 * a caller would make who reads the description.
 */
export class SchemaValues {
  readonly #root: Schema;
  readonly #random: Random;

  constructor(root: Schema, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  /** With this likelihood, from 0 to 1. */
  chance(likelihood: number): boolean {
    return this.#random.next() < likelihood;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.next() * items.length)] as T;
  }

  resolve(value: unknown): Schema {
    let at = value as Schema;
    for (let hop = 0; hop < 20 && typeof at?.["$ref"] === "string"; hop++) {
      at = (at["$ref"] as string)
        .slice(2)
        .split("/")
        .reduce(
          (found, part) => found[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")] as Schema,
          this.#root,
        );
    }
    return at ?? {};
  }

  value(given: unknown, depth = 0): unknown {
    const schema = this.resolve(given);
    if (depth > 12) return null;
    if (Array.isArray(schema["enum"])) return this.pick(schema["enum"].filter((item) => item !== null));
    if (schema["const"] !== undefined) return schema["const"];
    if (schema["default"] !== undefined && schema["default"] !== null && this.chance(0.5)) return schema["default"];
    if (Array.isArray(schema["allOf"])) return this.#all(schema, depth);
    for (const word of ["oneOf", "anyOf"]) {
      const choices = schema[word];
      if (!Array.isArray(choices)) continue;
      // Which keys go together, besides what the keys are.
      const isCondition = choices.every(
        (choice) => Array.isArray(this.resolve(choice)["required"]) && this.resolve(choice)["properties"] === undefined,
      );
      if (isCondition && schema["properties"] !== undefined) {
        return this.#object(schema, depth, this.resolve(this.pick(choices))["required"] as string[]);
      }
      const value = this.value(this.pick(choices), depth + 1);
      return schema["properties"] === undefined ? value : { ...this.#object(schema, depth, []), ...(value as object) };
    }
    const types = [schema["type"]].flat().filter((type) => type !== "null");
    const type = types[0] ?? (schema["properties"] === undefined ? undefined : "object");
    switch (type) {
      case "object":
        return this.#object(schema, depth, []);
      case "array":
        return this.#array(schema, depth);
      case "integer":
      case "number":
        return this.#number(schema, type as string);
      case "boolean":
        return this.chance(0.5);
      case "string":
        return this.#text(schema);
      default:
        return schema["example"] ?? "anything";
    }
  }

  #all(schema: Schema, depth: number): unknown {
    const parts = (schema["allOf"] as unknown[]).map((part) => this.value(part, depth + 1));
    if (schema["properties"] !== undefined) parts.push(this.#object(schema, depth, []));
    const objects = parts.filter((part) => typeof part === "object" && part !== null);
    return objects.length === 0 ? parts[0] : Object.assign({}, ...objects);
  }

  #object(schema: Schema, depth: number, also: readonly string[]): Schema {
    const required = new Set([...((schema["required"] as string[] | undefined) ?? []), ...also]);
    const result: Schema = {};
    const entries = Object.entries((schema["properties"] as Schema | undefined) ?? {});
    for (const [name, property] of entries) {
      if (this.resolve(property)["readOnly"] === true) continue;
      if (required.has(name) || (depth < 3 && this.chance(0.4))) result[name] = this.value(property, depth + 1);
    }
    // Needed, and nothing else is said of it.
    for (const name of required) result[name] ??= "anything";
    const least = (schema["minProperties"] as number | undefined) ?? 0;
    for (const [name, property] of entries) {
      if (Object.keys(result).length >= least) break;
      result[name] ??= this.value(property, depth + 1);
    }
    const others = schema["additionalProperties"];
    if (entries.length === 0 && typeof others === "object") result["some-key"] = this.value(others, depth + 1);
    return result;
  }

  #array(schema: Schema, depth: number): unknown[] {
    const least = (schema["minItems"] as number | undefined) ?? 0;
    const most = (schema["maxItems"] as number | undefined) ?? least + 2;
    const length = Math.min(most, Math.max(least, Math.floor(this.#random.next() * 3)));
    const items = Array.from({ length }, () => this.value(schema["items"] ?? {}, depth + 1));
    if (schema["uniqueItems"] !== true) return items;
    return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
  }

  #number(schema: Schema, type: string): number {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<
      string,
      number | boolean | undefined
    >;
    let least = typeof minimum === "number" ? minimum : 1;
    if (exclusiveMinimum === true) least += 1;
    if (typeof exclusiveMinimum === "number") least = exclusiveMinimum + 1;
    let most = typeof maximum === "number" ? maximum : least + 40;
    if (exclusiveMaximum === true) most -= 1;
    if (typeof exclusiveMaximum === "number") most = exclusiveMaximum - 1;
    if (most < least) least = most;
    const value = least + this.#random.next() * (Math.min(most, least + 40) - least);
    return type === "integer"
      ? Math.floor(value)
      : Math.round(value * 4) / 4 < least
        ? least
        : Math.round(value * 4) / 4 > most
          ? most
          : Math.round(value * 4) / 4;
  }

  #text(schema: Schema): string {
    const { example, format, pattern } = schema as { example?: unknown; format?: string; pattern?: string };
    const least = (schema["minLength"] as number | undefined) ?? 0;
    const most = (schema["maxLength"] as number | undefined) ?? 1_000;
    const fits = (text: unknown): text is string =>
      typeof text === "string" &&
      text !== "" &&
      text.length >= least &&
      text.length <= most &&
      (pattern === undefined || new RegExp(pattern).test(text));
    const known: Record<string, string> = {
      "date-time": "2026-03-04T05:06:07Z",
      date: "2026-03-04",
      time: "05:06:07Z",
      uri: "https://example.com/a?b=c",
      url: "https://example.com/",
      email: "ada@example.com",
      uuid: "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
      hostname: "example.com",
      ipv4: "192.0.2.1",
    };
    const words = [
      "octocat",
      "hello world",
      "a/b",
      "ünïcode & more",
      "100%",
      "x=1;y,z",
      "#5?",
      "main",
      "v1.2.3",
      "abc123",
      "0123456789abcdef0123456789abcdef01234567",
    ];
    const candidates: unknown[] = [
      known[format ?? ""],
      example,
      this.pick(words),
      this.pick(words),
      ...words,
      "1",
      "A",
      "a".repeat(Math.max(1, least)),
    ];
    const found = candidates.find(fits);
    if (found !== undefined) return found;
    if (pattern === undefined) return "a".repeat(Math.max(1, least));
    const seed = Math.floor(this.#random.next() * 2 ** 31);
    return fc.sample(fc.stringMatching(new RegExp(pattern)).filter(fits), { seed, numRuns: 1 })[0] as string;
  }
}
