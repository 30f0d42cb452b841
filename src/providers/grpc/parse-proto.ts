import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  Edition,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileOptionsSchema,
  MessageOptionsSchema,
  MethodDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
  OneofDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FeatureSet,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  type ServiceDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";

import { jsonNameOf } from "./normalise-descriptors.ts";
import { defaultText, featuresOf, type Options } from "./proto-options.ts";

/** One `.proto` file, by itself: names of types stand as they are written. */
export interface ParsedProto {
  readonly descriptor: FileDescriptorProto;
  /** Without those of weak imports. */
  readonly imports: readonly string[];
  /** What the file says of its services and methods, by full name (`pkg.Service`, `pkg.Service/Method`), and of its messages and fields. */
  readonly comments: ReadonlyMap<string, string>;
  /** Where services are to be found by default (`google.api.default_host`), by full name. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** Reads a `.proto` file of any syntax or edition. Throws an `Error` with the line where it is none. */
export function parseProto(name: string, source: string): ParsedProto {
  // Kept by the parser for its messages, from one file to the next.
  (protobuf.parse as unknown as { filename: string | null }).filename = null;
  const {
    root,
    package: pkg = "",
    imports = [],
  } = protobuf.parse(source, new protobuf.Root(), {
    keepCase: true,
    alternateCommentMode: true,
  });
  const reader = new Reader();
  const scope = pkg === "" ? root : root.lookup(pkg);
  if (!(scope instanceof protobuf.Namespace)) throw new Error("It has no content.");
  const edition = editionOf(source);
  const descriptor = create(FileDescriptorProtoSchema, {
    name,
    package: pkg ?? "",
    ...(typeof edition === "string" ? { syntax: edition } : { syntax: "editions", edition }),
    dependency: imports ?? [],
    ...reader.namespace(scope, pkg ?? ""),
    service: scope.nestedArray
      .filter((one) => one instanceof protobuf.Service)
      .map((one) => reader.service(one, pkg ?? "")),
  });
  const features = typeof edition === "string" ? undefined : fileFeatures(scope);
  if (features !== undefined) descriptor.options = create(FileOptionsSchema, { features });
  return { descriptor, imports: imports ?? [], comments: reader.comments, hosts: reader.hosts };
}

/** The parser keeps it with what it parsed, and a file may hold nothing. */
function editionOf(source: string): "proto2" | "proto3" | Edition {
  const bare = source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  const [, key, value] = /^\s*(syntax|edition)\s*=\s*["']([^"']*)["']/.exec(bare) ?? [];
  if (key === "edition") {
    const edition = { "2023": Edition.EDITION_2023, "2024": Edition.EDITION_2024 }[value ?? ""];
    if (edition === undefined) throw new Error(`The edition ${JSON.stringify(value)} is not supported.`);
    return edition;
  }
  return value === "proto3" ? "proto3" : "proto2";
}

const SCALARS: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  double: FieldDescriptorProto_Type.DOUBLE,
  float: FieldDescriptorProto_Type.FLOAT,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  int32: FieldDescriptorProto_Type.INT32,
  fixed64: FieldDescriptorProto_Type.FIXED64,
  fixed32: FieldDescriptorProto_Type.FIXED32,
  bool: FieldDescriptorProto_Type.BOOL,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  uint32: FieldDescriptorProto_Type.UINT32,
  sfixed32: FieldDescriptorProto_Type.SFIXED32,
  sfixed64: FieldDescriptorProto_Type.SFIXED64,
  sint32: FieldDescriptorProto_Type.SINT32,
  sint64: FieldDescriptorProto_Type.SINT64,
};

class Reader {
  readonly comments = new Map<string, string>();
  readonly hosts = new Map<string, string>();

  namespace(
    scope: protobuf.NamespaceBase,
    path: string,
  ): { messageType: DescriptorProto[]; enumType: EnumDescriptorProto[]; extension: FieldDescriptorProto[] } {
    const messageType: DescriptorProto[] = [];
    const enumType: EnumDescriptorProto[] = [];
    const extension: FieldDescriptorProto[] = [];
    for (const one of scope.nestedArray) {
      if (one instanceof protobuf.Type) messageType.push(this.message(one, join(path, one.name)));
      else if (one instanceof protobuf.Enum) enumType.push(this.#enum(one, join(path, one.name)));
      else if (one instanceof protobuf.Field) extension.push(this.#field(one, undefined, scope, path));
    }
    return { messageType, enumType, extension };
  }

  message(type: protobuf.Type, path: string): DescriptorProto {
    this.#note(path, type.comment);
    const nested = this.namespace(type, path);
    // The oneofs that stand for presence come last, as compilers write them.
    const oneofs = [...type.oneofsArray].sort((a, b) => Number(isSynthetic(a)) - Number(isSynthetic(b)));
    // Extensions that the same file declares have been hung in by the parser, under names with a dot.
    const own = type.fieldsArray.filter(({ name }) => !name.startsWith("."));
    const fields = own.map((field) => this.#field(field, oneofs, type, path));
    const entries = own.filter(isMapField).map((field) => mapEntry(field));
    const ranges = (type.extensions ?? []) as (readonly number[])[];
    const descriptor = create(DescriptorProtoSchema, {
      name: type.name,
      field: fields,
      extension: nested.extension,
      nestedType: [...nested.messageType, ...entries],
      enumType: nested.enumType,
      oneofDecl: oneofs.map(({ name }) => create(OneofDescriptorProtoSchema, { name })),
      extensionRange: ranges.map(([start = 0, end = start]) => ({ start, end: end + 1 })),
    });
    const options = (type.options ?? {}) as Options;
    const features = featuresOf(options);
    if (options["message_set_wire_format"] === true || features !== undefined) {
      descriptor.options = create(MessageOptionsSchema, {
        messageSetWireFormat: options["message_set_wire_format"] === true,
        ...(features !== undefined && { features }),
      });
    }
    return descriptor;
  }

  service(service: protobuf.Service, path: string): ServiceDescriptorProto {
    const name = join(path, service.name);
    this.#note(name, service.comment);
    const host = (service.options as Options | undefined)?.["(google.api.default_host)"];
    if (typeof host === "string" && /^[\w.-]+(?::\d+)?$/.test(host)) this.hosts.set(name, host);
    return create(ServiceDescriptorProtoSchema, {
      name: service.name,
      method: service.methodsArray.map((method) => {
        this.#note(`${name}/${method.name}`, method.comment);
        const options = (method.options ?? {}) as Options;
        const level = MethodOptions_IdempotencyLevel[
          String(options["idempotency_level"]) as keyof typeof MethodOptions_IdempotencyLevel
        ] as MethodOptions_IdempotencyLevel | undefined;
        const deprecated = options["deprecated"] === true;
        const descriptor = create(MethodDescriptorProtoSchema, {
          name: method.name,
          inputType: method.requestType,
          outputType: method.responseType,
          clientStreaming: method.requestStream === true,
          serverStreaming: method.responseStream === true,
        });
        if (level !== undefined || deprecated) {
          descriptor.options = create(MethodOptionsSchema, {
            ...(deprecated && { deprecated }),
            ...(level !== undefined && { idempotencyLevel: level }),
          });
        }
        return descriptor;
      }),
    });
  }

  #field(
    field: protobuf.Field,
    oneofs: readonly protobuf.OneOf[] | undefined,
    scope: protobuf.NamespaceBase,
    path: string,
  ): FieldDescriptorProto {
    this.#note(join(path, field.name), field.comment);
    const options = (field.options ?? {}) as Options;
    const isMap = isMapField(field);
    const scalar = SCALARS[field.type];
    const isGroup = isGroupOf(scope, field.type);
    const at = field.partOf === null || oneofs === undefined ? -1 : oneofs.indexOf(field.partOf);
    const init: MessageInitShape<typeof FieldDescriptorProtoSchema> = {
      name: isGroup ? field.type.toLowerCase() : field.name,
      number: field.id,
      label: isMap ? FieldDescriptorProto_Label.REPEATED : labelOf(field),
      jsonName: typeof options["json_name"] === "string" ? options["json_name"] : jsonNameOf(field.name),
      ...(field.extend !== undefined && { extendee: field.extend }),
      ...(at >= 0 && { oneofIndex: at }),
      ...(options["proto3_optional"] === true && { proto3Optional: true }),
    };
    if (isMap) {
      init.type = FieldDescriptorProto_Type.MESSAGE;
      init.typeName = `.${join(path, entryName(field))}`;
    } else if (scalar !== undefined) init.type = scalar;
    else {
      init.typeName = field.type;
      // Whether it is an enum shows when all files are known.
      init.type = isGroup ? FieldDescriptorProto_Type.GROUP : FieldDescriptorProto_Type.MESSAGE;
    }
    const fallback = options["default"];
    if (fallback !== undefined && fallback !== null) init.defaultValue = defaultText(fallback);
    const features = featuresOf(options);
    if (typeof options["packed"] === "boolean" || features !== undefined || options["deprecated"] === true) {
      init.options = create(FieldOptionsSchema, {
        ...(typeof options["packed"] === "boolean" && { packed: options["packed"] }),
        ...(features !== undefined && { features }),
        ...(options["deprecated"] === true && { deprecated: true }),
      });
    }
    return create(FieldDescriptorProtoSchema, init);
  }

  #enum(type: protobuf.Enum, path: string): EnumDescriptorProto {
    this.#note(path, type.comment ?? null);
    const options = (type.options ?? {}) as Options;
    const features = featuresOf(options);
    const descriptor = create(EnumDescriptorProtoSchema, {
      name: type.name,
      value: Object.entries(type.values).map(([name, number]) => ({ name, number })),
    });
    const allowAlias = options["allow_alias"] === true;
    if (allowAlias || features !== undefined) {
      descriptor.options = {
        $typeName: "google.protobuf.EnumOptions",
        uninterpretedOption: [],
        ...(allowAlias && { allowAlias }),
        ...(features !== undefined && { features }),
      } as unknown as NonNullable<EnumDescriptorProto["options"]>;
    }
    return descriptor;
  }

  #note(name: string, comment: string | null | undefined): void {
    if (typeof comment === "string" && comment.trim() !== "") this.comments.set(name, comment.trim());
  }
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

function labelOf(field: protobuf.Field): FieldDescriptorProto_Label {
  const rule = (field as { rule?: string }).rule;
  if (field.repeated || rule === "repeated") return FieldDescriptorProto_Label.REPEATED;
  return rule === "required" ? FieldDescriptorProto_Label.REQUIRED : FieldDescriptorProto_Label.OPTIONAL;
}

function isSynthetic(oneof: protobuf.OneOf): boolean {
  const [field, second] = oneof.fieldsArray;
  return second === undefined && (field?.options as Options | undefined)?.["proto3_optional"] === true;
}

function isMapField(field: protobuf.FieldBase): field is protobuf.Field & { readonly keyType: string } {
  return field instanceof protobuf.MapField;
}

function isGroupOf(scope: protobuf.NamespaceBase, type: string): boolean {
  const nested = scope.get(type);
  return nested instanceof protobuf.Type && (nested as { group?: boolean }).group === true;
}

function entryName(field: protobuf.Field): string {
  const camel = jsonNameOf(field.name);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}

function mapEntry(field: protobuf.Field & { readonly keyType: string }): DescriptorProto {
  const scalar = SCALARS[field.type];
  return create(DescriptorProtoSchema, {
    name: entryName(field),
    field: [
      {
        name: "key",
        number: 1,
        label: FieldDescriptorProto_Label.OPTIONAL,
        type: SCALARS[field.keyType] as number,
        jsonName: "key",
      },
      {
        name: "value",
        number: 2,
        label: FieldDescriptorProto_Label.OPTIONAL,
        jsonName: "value",
        ...(scalar !== undefined
          ? { type: scalar }
          : { type: FieldDescriptorProto_Type.MESSAGE, typeName: field.type }),
      },
    ],
    options: { mapEntry: true },
  });
}

/** The parser gives a file's own features to everything that stands at its top. */
function fileFeatures(scope: protobuf.NamespaceBase): FeatureSet | undefined {
  return featuresOf((scope.options ?? {}) as Options);
}
