import { arithmetic } from "./arithmetic.ts";
import { collections } from "./collections.ts";
import { control } from "./control.ts";
import { allBuiltins, register } from "./find.ts";
import { higherOrder } from "./higher-order.ts";
import { host } from "./host.ts";
import { json } from "./json.ts";
import { predicates } from "./predicates.ts";
import { sorting } from "./sorting.ts";
import { strings } from "./strings.ts";

export { findBuiltin } from "./find.ts";

/** The library's topics, in the order in which the reference tells of them. */
export const TOPICS = {
  arithmetic,
  strings,
  collections,
  "higher-order": higherOrder,
  sorting,
  predicates,
  json,
  control,
  host,
};

for (const declarations of Object.values(TOPICS)) register(declarations);

/** Every name of the library, aliases too. */
export function builtinNames(): string[] {
  return [...allBuiltins().keys()];
}
