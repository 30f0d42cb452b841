import {
  CcosError,
  didYouMean,
  getOwn,
  isJsonObject,
  type ErrorCode,
  type JsonObject,
  type JsonValue,
  parsePath,
  type JsonPath,
} from "../../kernel/index.ts";
import { parseMatch, type Match } from "./match.ts";
import { parseTemplate, SCOPE_NAMES, type Template } from "./template.ts";

/** What a code of the peer may be declared to mean. */
const FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
  "outcome-unknown",
  "protocol-error",
  "rate-limited",
  "rejected",
  "session-lost",
  "unauthenticated",
  "unavailable",
]);

/** Milliseconds of 24 days, bytes of 2 GB: beyond that timers and buffers have no numbers. */
const LARGEST = 2_147_483_647;

/** The keys of a metadata block, or of a map inside it, each read as what it has to be. */
export class BlockReader {
  readonly #capabilityId: string;
  readonly #look: (key: string) => JsonValue | undefined;
  /** How the keys are called in messages: `:login :`. */
  readonly #prefix: string;

  constructor(capabilityId: string, look: (key: string) => JsonValue | undefined, prefix = ":") {
    this.#capabilityId = capabilityId;
    this.#look = look;
    this.#prefix = prefix;
  }

  value(key: string): JsonValue | undefined {
    return this.#look(key) ?? undefined;
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || value === "") return undefined;
    if (typeof value === "object") return this.fail(key, "is no text");
    return String(value);
  }

  choice<T extends string>(key: string, choices: readonly T[], byDefault: T): T {
    const text = this.text(key)?.toLowerCase().replaceAll("_", "-").replace(/^:/, "");
    if (text === undefined) return byDefault;
    const found = choices.find((choice) => choice === text);
    return found ?? this.fail(key, "is none of the possible values", `Use ${listed(choices)}.`);
  }

  flag(key: string, byDefault: boolean): boolean {
    return this.choice(key, ["true", "false"], byDefault ? "true" : "false") === "true";
  }

  count(key: string, byDefault: number, least = 1, most = LARGEST): number {
    const text = this.text(key);
    if (text === undefined) return byDefault;
    const count = Number(text);
    if (Number.isSafeInteger(count) && count >= least && count <= most) return count;
    return this.fail(key, "is no possible number", `Give an integer from ${least} to ${most}.`);
  }

  path(key: string): JsonPath | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const path = parsePath(value);
    return path ?? this.fail(key, "is no path", 'Write it as "result.items", or as a JSON Pointer "/result/items".');
  }

  template(key: string): Template | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const template = parseTemplate(value);
    this.#checkNames(key, template.names);
    return template;
  }

  match(key: string): Match | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const match = parseMatch(value);
    if (match === undefined) {
      return this.fail(
        key,
        "tells no messages apart",
        'Write paths and values: {"method" "tick" "params.channel" "{channel}"}.',
      );
    }
    this.#checkNames(key, match.names);
    return match;
  }

  /** Codes of the peer, and what each one means. */
  codes(key: string): ReadonlyMap<string, ErrorCode> {
    const value = this.value(key);
    if (value === undefined) return new Map();
    if (!isJsonObject(value)) return this.fail(key, "is no map of codes");
    return new Map(
      Object.entries(value).map(([code, meaning]) => {
        const name = (typeof meaning === "string" ? meaning : "").replace(/^:/, "").replaceAll("_", "-");
        if (FAILURES.has(name)) return [code, name as ErrorCode];
        return this.fail(key, `gives ${JSON.stringify(code)} no possible meaning`, `Use ${listed([...FAILURES])}.`);
      }),
    );
  }

  texts(key: string): string[] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (typeof value === "string") return value.split(/[\s,]+/).filter((text) => text !== "");
    if (Array.isArray(value) && value.every((text) => typeof text === "string")) return value;
    return this.fail(key, "is no vector of texts");
  }

  /** The map that stands there, which may have these keys. */
  inner(key: string, keys: readonly string[]): BlockReader | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    return this.#innerOf(key, value, keys);
  }

  /** The maps of the vector that stands there. */
  inners(key: string, keys: readonly string[]): BlockReader[] {
    const value = this.value(key);
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((one) => this.#innerOf(key, one, keys));
  }

  fail(key: string, what: string, remedy?: string): never {
    throw new CcosError("invalid-argument", `${this.#prefix}${key} of ${JSON.stringify(this.#capabilityId)} ${what}.`, {
      remedy: remedy ?? "See docs/websocket.md.",
    });
  }

  #innerOf(key: string, value: JsonValue, keys: readonly string[]): BlockReader {
    if (!isJsonObject(value)) return this.fail(key, "is no map");
    const unknown = Object.keys(value).find((name) => !keys.includes(name.replaceAll("-", "_")));
    if (unknown !== undefined) {
      this.fail(
        key,
        `has an unknown key ${JSON.stringify(unknown)}`,
        didYouMean(unknown, keys) || `Use ${listed(keys)}.`,
      );
    }
    return new BlockReader(this.#capabilityId, (name) => eitherSpelling(value, name), `${this.#prefix}${key} :`);
  }

  #checkNames(key: string, names: ReadonlySet<string>): void {
    const unknown = [...names].find((name) => name.startsWith("$") && !SCOPE_NAMES.has(name));
    if (unknown === undefined) return;
    this.fail(key, `has a place {${unknown}}, which nothing fills`, didYouMean(unknown, SCOPE_NAMES) || undefined);
  }
}

/** Keys are found with hyphens too. */
export function eitherSpelling(object: JsonObject, key: string): JsonValue | undefined {
  return getOwn(object, key) ?? getOwn(object, key.replaceAll("_", "-"));
}

function listed(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(", ");
}
