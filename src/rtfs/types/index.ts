export { checkJson, checkType, describeProblem, type TypeProblem } from "./check.ts";
export { jsonSchemaToShallowType, jsonSchemaToType, type SchemaReading } from "./from-json-schema.ts";
export { isOptionalMark, parseAnnotationType, parseType, type ParsedType, type TypeFormProblem } from "./parse-type.ts";
export { equalTypes, printType } from "./print-type.ts";
export { typeToJsonSchema } from "./to-json-schema.ts";
export { ANY, isAny, optionalType, primitive } from "./type.ts";
export type { Bound, Literal, Predicate, PrimitiveName, RecordEntry, RecordKey, Type } from "./type.ts";
export { isTypeName } from "./type-names.ts";
