import { createSeededRandom, randomInteger, type Random } from "../../src/kernel/index.ts";
import { readProgram, type Form } from "../../src/rtfs/index.ts";

/** One capability file, and the same content as JSON. */
export interface CapabilityFile {
  readonly name: string;
  readonly rtfs: string;
  readonly json: string;
}

const WORDS =
  "acme account address amount archive attachment author balance branch calendar channel city comment commit company contact content country created currency customer cursor date deadline description device direction document due email event field file filter folder format group identifier invoice issue item label language limit line location member message milestone name note number offset order owner page parent path phone price priority product project query quantity reference region release repository result review role scope search section severity shipment since sort source state status street subject subscription summary tag target task team template text thread ticket time title token topic type unit until update user value version visibility warehouse week weight workspace zone".split(
    " ",
  );

/**
 * Capability files as `ccos import` writes them, of about 1.5 kB: texts, schemas, a provider block with the
 * server's own JSON Schema, provenance. The fields of every schema are drawn anew, so that hardly two
 * schemas are alike; names and types recur, some much more than others, as they do in the tools of real servers.
 */
export function makeCapabilityFiles(count: number, seed = 1): CapabilityFile[] {
  const random = createSeededRandom(seed);
  const files: CapabilityFile[] = [];
  for (let index = 0; index < count; index++) {
    const rtfs = capability(random, index);
    files.push({
      name: `tool-${String(index).padStart(5, "0")}`,
      rtfs,
      json: JSON.stringify(readProgram(rtfs).map(jsonOf)[0]),
    });
  }
  return files;
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[randomInteger(random, 0, from.length - 1)] as T;
}

/** Some words are far more frequent than others. */
function frequent(random: Random): string {
  return WORDS[Math.floor(WORDS.length * random.next() ** 2)] as string;
}

function sentence(random: Random, words: number): string {
  const text = Array.from({ length: words }, () => pick(random, WORDS)).join(" ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

interface Property {
  readonly name: string;
  readonly rtfs: string;
  readonly schema: object;
  readonly required: boolean;
}

function property(random: Random): Property {
  const name = random.next() < 0.5 ? frequent(random) : `${frequent(random)}_${frequent(random)}`;
  const required = random.next() < 0.4;
  const description = sentence(random, 4);
  switch (randomInteger(random, 0, 5)) {
    case 0:
      return { name, rtfs: ":int", schema: { type: "integer", description }, required };
    case 1:
      return { name, rtfs: ":bool", schema: { type: "boolean" }, required };
    case 2: {
      const values = [pick(random, WORDS), pick(random, WORDS), pick(random, WORDS)];
      return {
        name,
        rtfs: `[:enum ${values.map((value) => `"${value}"`).join(" ")}]`,
        schema: { type: "string", enum: values },
        required,
      };
    }
    case 3:
      return { name, rtfs: "[:vector :string]", schema: { type: "array", items: { type: "string" } }, required };
    case 4: {
      const most = randomInteger(random, 10, 1000);
      return {
        name,
        rtfs: `[:and :int [:in-range 1 ${most}]]`,
        schema: { type: "integer", minimum: 1, maximum: most },
        required,
      };
    }
    default:
      return { name, rtfs: ":string", schema: { type: "string", description }, required };
  }
}

function capability(random: Random, index: number): string {
  const server = pick(random, WORDS);
  const operation = `${pick(random, WORDS)}_${pick(random, WORDS)}_${index}`;
  const names = new Map(
    Array.from({ length: randomInteger(random, 2, 6) }, () => property(random)).map((one) => [one.name, one]),
  );
  const properties = [...names.values()];
  const schema = {
    type: "object",
    properties: Object.fromEntries(properties.map(({ name, schema }) => [name, schema])),
    required: properties.filter(({ required }) => required).map(({ name }) => name),
  };
  const record = properties
    .map(({ name, rtfs, required }) => `[:${name} ${rtfs}${required ? "" : " ?"}]`)
    .join("\n                 ");
  return `;; ${sentence(random, 6)}
(capability "line.${server}.${operation}"
  :name "${operation}"
  :description "${sentence(random, 12)}"
  :version "1.${randomInteger(random, 0, 20)}.0"
  :language "rtfs20"
  :effects [:network]
  :input-schema [:map
                 ${record}]
  :output-schema [:map [:items [:vector [:map [:id :string] [:${pick(random, WORDS)} :string?]]]] [:total :int] [:cursor :string?]]
  :metadata {:line {:server_url "https://${server}.example.com/line"
                    :server_name "${server}"
                    :tool_name "${operation}"
                    :requires_session "auto"
                    :auth_env_var "${server.toUpperCase()}_TOKEN"
                    :read_only_hint ${random.next() < 0.5}
                    :input_schema_json ${JSON.stringify(JSON.stringify(schema))}}
             :discovery {:method "introspection"
                         :source_url "https://${server}.example.com/line"
                         :created_at "2026-0${randomInteger(random, 1, 9)}-1${randomInteger(random, 0, 9)}T08:00:00Z"}
             :timeout_ms ${randomInteger(random, 1, 60)}000
             :idempotent ${random.next() < 0.5}})
`;
}

/** The same content: keywords and symbols as texts, lists and vectors as arrays. */
function jsonOf(form: Form): unknown {
  switch (form.kind) {
    case "keyword":
      return `:${form.name}`;
    case "symbol":
      return form.name;
    case "nil":
      return null;
    case "list":
      return capabilityObject(form.items);
    case "vector":
      return form.items.map(jsonOf);
    case "map":
      return Object.fromEntries(form.entries.map(([key, value]) => [keyText(key), jsonOf(value)]));
    case "boolean":
    case "string":
    case "integer":
      return form.value;
    default:
      throw new TypeError(`These files hold no ${form.kind}.`);
  }
}

function keyText(form: Form): string {
  if (form.kind === "keyword" || form.kind === "symbol") return form.name;
  return form.kind === "string" ? form.value : "";
}

/** `(capability "id" :key value …)` as `{"type":"capability","id":…,"key":value}` */
function capabilityObject([, id, ...pairs]: readonly Form[]): object {
  const object: Record<string, unknown> = { type: "capability", id: jsonOf(id as Form) };
  for (let index = 0; index < pairs.length; index += 2)
    object[keyText(pairs[index] as Form)] = jsonOf(pairs[index + 1] as Form);
  return object;
}
