export { specialForms } from "./analyzer/special-forms.ts";
export { equals, isTruthy } from "./equality.ts";
export type { LoadModule } from "./analyzer/scope.ts";
export type { BuiltinDeclaration } from "./evaluator/functions.ts";
export { callFunction, compile, evaluate, Program, Workspace, type EvaluateOptions } from "./evaluator/program.ts";
export type { TraceEntry } from "./evaluator/trace.ts";
export { formToValue, mapKey } from "./form-values.ts";
export { documentationOf, type Documentation } from "./documentation.ts";
export { format, type FormatResult } from "./formatter/format.ts";
export type { Form, FormKind, FormOf } from "./forms.ts";
export { DEFAULT_LIMITS, type Host, type HostEvents, type Limits } from "./host.ts";
export { fromJson, fromJsonText, toJson, toJsonText, type FromJsonOptions } from "./json.ts";
export { typeName, type TypeName } from "./kinds.ts";
export { isKnownName, knownNames } from "./known-names.ts";
export { builtinNames, TOPICS } from "./library/index.ts";
export { lint, type LintOptions } from "./lint/lint.ts";
export type { LintCode, LintWarning } from "./lint/warning.ts";
export { compareValues } from "./ordering.ts";
export { displayString, formText, print, type PrintOptions } from "./printer.ts";
export { isKeywordName } from "./reader/characters.ts";
export { DEFAULT_MAX_NESTING, read, readProgram, type ReadOptions, type ReadResult } from "./reader/reader.ts";
export { Source } from "./source.ts";
export { isUnfinished } from "./unfinished.ts";
export {
  ANY,
  checkJson,
  checkType,
  describeProblem,
  equalTypes,
  isAny,
  isOptionalMark,
  isTypeName,
  jsonSchemaToShallowType,
  jsonSchemaToType,
  optionalType,
  parseAnnotationType,
  parseType,
  primitive,
  printType,
  typeToJsonSchema,
  type Bound,
  type Literal,
  type ParsedType,
  type Predicate,
  type PrimitiveName,
  type RecordEntry,
  type RecordKey,
  type SchemaReading,
  type Type,
  type TypeFormProblem,
  type TypeProblem,
} from "./types/index.ts";
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
