export type { Form, FormKind, FormOf } from "./forms.ts";
export { DEFAULT_LIMITS, type Host, type Limits } from "./host.ts";
export { Source } from "./source.ts";
export * from "./types/index.ts";
export {
  Float,
  INTEGER_MAX,
  INTEGER_MIN,
  integer,
  isInteger,
  Keyword,
  keyword,
  List,
  list,
  RtfsError,
  RtfsFunction,
  RtfsMap,
  Sym,
  Vector,
  vector,
  type Integer,
  type MapKey,
  type Value,
} from "./values.ts";
