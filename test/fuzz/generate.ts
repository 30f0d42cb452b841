import { randomInteger, type Random } from "../../src/kernel/index.ts";
import { specialForms, TOPICS } from "../../src/rtfs/index.ts";
import { HOST_NAMES, pick } from "./words.ts";

/** What an expression is meant to give; it gets something else now and then. */
type Kind = "any" | "number" | "text" | "items" | "map" | "function" | "key" | "truth";

const KINDS: readonly Kind[] = ["any", "number", "text", "items", "map", "function", "key", "truth"];
const FORMS = specialForms().map(({ name }) => name);
const LITERALS: Readonly<Record<Exclude<Kind, "any">, readonly string[]>> = {
  number: [
    "0",
    "1",
    "-1",
    "2",
    "7",
    "100",
    "9007199254740993",
    "-9223372036854775808",
    "9223372036854775807",
    "0.0",
    "-0.0",
    "1.5",
    "1e308",
    "##Inf",
    "##NaN",
  ],
  text: [
    '""',
    '"a"',
    '"a,b"',
    '"é😀\\u0000"',
    '"1.5"',
    '"[1,{\\"a\\":2.0}]"',
    '"(a+)+$"',
    '"a|b"',
    ...HOST_NAMES.map((name) => `"${name}"`),
  ],
  items: [
    "[]",
    "[1 2 3]",
    "(list 1 2)",
    "'(a b)",
    "[[1 2] [3 4]]",
    '[:a "b" nil 1.0]',
    "(range 10)",
    "[{:a 1} {:a 2}]",
    "()",
  ],
  map: ["{}", "{:a 1 :b [2 {:c 3}]}", '{"k" 1 2 :v}', '{"__proto__" {"x" 1} :constructor 2}', "(hash-map :a 1)"],
  function: [
    "inc",
    "str",
    "+",
    "(fn [x] x)",
    "(fn [& r] r)",
    "#(+ %1 1)",
    ":a",
    "vector",
    "(fn [a b] b)",
    "count",
    "process-data",
  ],
  key: [":a", ":b", "0", "1", '"k"', ...HOST_NAMES.slice(0, 12).flatMap((name) => [`:${name}`, `"${name}"`])],
  truth: ["true", "false", "nil", "(= 1 1.0)"],
};
const TYPES = [
  "Int",
  "Float?",
  ":string",
  "[:vector :int]",
  "[:map [:a :int ?]]",
  "[:union :int :string]",
  "[:and :int [:>= 0]]",
  "[:enum 1 :a]",
  "[:map-of :keyword :any]",
];
// Locals that a program can count on.
const NAMES = ["a", "b", "c", "x", "f", "m"];

interface Builtin {
  readonly name: string;
  readonly kinds: readonly Kind[];
  readonly min: number;
  readonly max: number;
}

const BUILTINS: readonly Builtin[] = Object.values(TOPICS)
  .flat()
  .flatMap(({ name, aliases = [], params, arity }) =>
    [name, ...aliases].map((each) => ({
      name: each,
      kinds: kindsOf(params),
      min: arity[0],
      max: Math.min(arity[1], arity[0] + 3),
    })),
  );

/** What parameters are, by the names that the documentation gives them. */
function kindsOf(params: string): Kind[] {
  return params
    .slice(1, -1)
    .split(" ")
    .filter((name) => name !== "&" && name !== "")
    .map((name): Kind => {
      const plain = name.replace(/\?$/, "");
      if (/^(?:n|others|a|b|from|to|step|size|index|base|exponent)$/.test(plain)) return "number";
      if (/^(?:s|text|part|prefix|suffix|separator|pattern)$/.test(plain)) return "text";
      if (/^(?:coll|colls|items|path)$/.test(plain)) return "items";
      if (/^maps?$/.test(plain)) return "map";
      if (/^(?:f|pred|compare)$/.test(plain)) return "function";
      return /^(?:key|k|keys|keys-and-values)$/.test(plain) ? "key" : "any";
    });
}

/** A program made from the grammar, whose parts mostly fit together. */
export function generatedProgram(random: Random): string {
  const body = Array.from({ length: randomInteger(random, 1, 3) }, () =>
    expression(random, pick(random, KINDS), randomInteger(random, 1, 5)),
  );
  const locals = `a ${literal(random, "number")} b ${literal(random, "text")} c ${literal(random, "items")} x ${literal(random, "any")} f ${literal(random, "function")} m ${literal(random, "map")}`;
  return random.next() < 0.9 ? `(let [${locals}] ${body.join("\n")})` : body.join("\n");
}

function literal(random: Random, kind: Kind): string {
  const plain = kind === "any" || random.next() < 0.03 ? pick(random, KINDS.slice(1)) : kind;
  return pick(random, LITERALS[plain as Exclude<Kind, "any">]);
}

function expression(random: Random, kind: Kind, depth: number): string {
  const inner = (wanted: Kind = "any"): string => expression(random, wanted, depth - 1);
  if (depth <= 0) return leaf(random, kind);
  if (kind === "function") return functionForm(random, depth);
  // Without a catch here and there, one mistake deep inside would be all that is ever tried.
  if (random.next() < 0.3) return `(try ${expression(random, kind, depth - 1)} (catch e ${leaf(random, kind)}))`;
  if (random.next() < 0.5) return builtinCall(random, depth);
  const name = pick(random, NAMES);
  switch (randomInteger(random, 0, 22)) {
    case 0:
      return `(let [${name} ${inner()} [${pick(random, NAMES)} & ${pick(random, NAMES)}] ${inner("items")}] ${inner(kind)})`;
    case 1:
      return `(let [{:keys [${pick(random, NAMES)} ${pick(
        random,
        HOST_NAMES.filter((each) => /^[a-z_]\w*$/i.test(each)),
      )}] :as m} ${inner("map")}] ${inner(kind)})`;
    case 2:
      return `(let [${name} : ${pick(random, TYPES)} ${inner()}] ${inner(kind)})`;
    case 3:
      return `(if ${inner("truth")} ${inner(kind)} ${inner(kind)})`;
    case 4:
      return `(do (defn g [${name} ${pick(random, ["", ": Int", "& rest"])}] ${inner()}) (g ${inner()}))`;
    case 5:
    case 6:
      return `(try ${inner(kind)} (catch e ${random.next() < 0.5 ? inner(kind) : "[(:type e) (.getMessage e) (str e)]"})${random.next() < 0.3 ? ` (finally ${inner()})` : ""})`;
    case 7:
      return `(match ${inner()} [${name} & others] ${inner()} {:a ${name}} when ${inner("truth")} ${inner()} ${literal(random, "any")} ${inner()} _ ${inner(kind)})`;
    case 8:
      return `(for [${name} ${inner("items")} i (range 3)] ${inner()})`;
    case 9:
      return `(${pick(random, ["->", "->>"])} ${inner()} (${pick(random, BUILTINS).name} ${inner()}) ${pick(random, BUILTINS).name})`;
    case 10:
      return `(do (defmacro m1 [p & q] \`(${pick(random, BUILTINS).name} ~p ~@q)) (m1 ${inner()} ${inner()}))`;
    case 11:
      return `{:a ${inner()} "${pick(random, HOST_NAMES)}" ${inner()} :${pick(random, HOST_NAMES)} ${inner()}}`;
    case 12:
      return `[${inner()} ${inner()}]`;
    case 13:
      return `(:${pick(random, ["a", ...HOST_NAMES])} ${inner("map")} ${inner()})`;
    case 14:
      return `(call ${pick(random, ['"test.echo"', '"test.slow"', '"test.fail"', ":a.b", `"${pick(random, HOST_NAMES)}"`])} ${inner()})`;
    case 15:
      return `(update ${inner("map")} ${literal(random, "key")} ${random.next() < 0.5 ? inner("function") : `"${pick(random, [pick(random, BUILTINS).name, ...HOST_NAMES])}"`})`;
    case 16:
      return `(get-in ${inner("map")} [${literal(random, "key")} ${literal(random, "key")}] ${inner()})`;
    case 17:
      return `(.${pick(random, [...HOST_NAMES, "getMessage", "count"])} ${inner()})`;
    case 18:
      return random.next() < 0.1 ? `(${pick(random, FORMS)} ${inner()} ${inner()})` : inner(kind);
    case 19:
      return `(cond ${inner("truth")} ${inner(kind)} :else ${inner(kind)})`;
    case 20:
      return `(${pick(random, ["and", "or", "do", "when", "step-parallel"])} ${inner("truth")} ${inner(kind)})`;
    case 21:
      return `(step "${name}" :params {"k" ${inner()}} ${inner(kind)})`;
    default:
      return `(${functionForm(random, depth)} ${inner()})`;
  }
}

function leaf(random: Random, kind: Kind): string {
  const chance = random.next();
  if (chance < 0.02) return pick(random, HOST_NAMES);
  return chance < 0.25 ? pick(random, NAMES) : literal(random, kind);
}

function functionForm(random: Random, depth: number): string {
  switch (randomInteger(random, 0, 3)) {
    case 0:
      return `(fn [${pick(random, NAMES)}] ${expression(random, "any", depth - 1)})`;
    case 1:
      return `(fn [${pick(random, NAMES)} & ${pick(random, NAMES)}] ${expression(random, "any", depth - 1)})`;
    case 2:
      return `#(${pick(random, BUILTINS).name} % ${leaf(random, "any")})`;
    default:
      return literal(random, "function");
  }
}

function builtinCall(random: Random, depth: number): string {
  const { name, kinds, min, max } = pick(random, BUILTINS);
  const count = random.next() < 0.04 ? randomInteger(random, 0, 5) : randomInteger(random, min, max);
  const last = kinds.at(-1) ?? "any";
  const args = Array.from({ length: count }, (_, at) =>
    expression(random, random.next() < 0.05 ? "any" : (kinds[at] ?? last), depth - 1),
  );
  return `(${[name, ...args].join(" ")})`;
}
