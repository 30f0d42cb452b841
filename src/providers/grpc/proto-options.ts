import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  FeatureSet_EnumType,
  FeatureSet_FieldPresence,
  FeatureSet_MessageEncoding,
  FeatureSet_RepeatedFieldEncoding,
  FeatureSetSchema,
  type FeatureSet,
} from "@bufbuild/protobuf/wkt";

/** Options of a declaration, as the parser gives them. */
export type Options = Readonly<Record<string, unknown>>;

const FEATURES: Readonly<Record<string, (name: string) => Partial<FeatureSet>>> = {
  field_presence: (name) => ({ fieldPresence: number(FeatureSet_FieldPresence, name) }),
  enum_type: (name) => ({ enumType: number(FeatureSet_EnumType, name) }),
  repeated_field_encoding: (name) => ({ repeatedFieldEncoding: number(FeatureSet_RepeatedFieldEncoding, name) }),
  message_encoding: (name) => ({ messageEncoding: number(FeatureSet_MessageEncoding, name) }),
};

function number<T>(names: Readonly<Record<string, T | string>>, name: string): T {
  return names[name] as T;
}

/** `features.x` options of editions, as far as they change what is sent. */
export function featuresOf(options: Options): FeatureSet | undefined {
  const init: Partial<FeatureSet> = {};
  for (const [feature, read] of Object.entries(FEATURES)) {
    const nested = options["features"] as Options | undefined;
    const value = options[`features.${feature}`] ?? nested?.[feature];
    if (typeof value === "string") Object.assign(init, read(value));
  }
  return Object.keys(init).length === 0
    ? undefined
    : create(FeatureSetSchema, init as MessageInitShape<typeof FeatureSetSchema>);
}

/** A default in the form in which descriptors hold it. */
export function defaultText(value: unknown): string {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Number.isNaN(value) ? "nan" : String(value);
}
