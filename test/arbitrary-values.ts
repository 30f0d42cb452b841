import fc from "fast-check";
import {
  Float,
  INTEGER_MAX,
  INTEGER_MIN,
  integer,
  keyword,
  list,
  RtfsMap,
  Sym,
  vector,
  type MapKey,
  type Value,
} from "../src/rtfs/index.ts";

// Arbitrary values for the property tests of the language.

const name = fc
  .stringMatching(/^[a-z_$+*<>!?%][a-z0-9.\-@]{0,6}$/)
  .filter((text) => !["nil", "true", "false"].includes(text) && !/^\+\d/.test(text));
const integers = fc.bigInt({ min: INTEGER_MIN, max: INTEGER_MAX }).map(integer);

const key: fc.Arbitrary<MapKey> = fc.oneof(
  name.map((text) => keyword(text)),
  fc.string({ unit: "binary" }),
  integers,
);

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    integers,
    fc.double({ noNaN: true }).map((number) => new Float(number)),
    fc.string({ unit: "binary" }),
    name.map((text) => keyword(text)),
    name.map((text) => new Sym(text)),
    fc.array(tie("value"), { maxLength: 5 }).map((items) => vector(items)),
    fc.array(tie("value"), { maxLength: 5 }).map((items) => list(items)),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((entries) => RtfsMap.of(entries)),
  ),
}));

/** Any value that has a form in source text and equals itself. */
export const anyValue: fc.Arbitrary<Value> = value;
export const anyKey: fc.Arbitrary<MapKey> = key;
