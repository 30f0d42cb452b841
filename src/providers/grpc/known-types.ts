import { create, createFileRegistry, type DescFile, type DescMessage, type FileRegistry } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  FileDescriptorProtoSchema,
  type FieldDescriptorProto,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

import { jsonNameOf } from "./normalise-descriptors.ts";

/** Fields as `number type`, with `repeated` before the type where there are many. */
type Messages = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** https://github.com/grpc/grpc/blob/master/src/proto/grpc/reflection/v1/reflection.proto: what is asked and read of it. */
const REFLECTION: Messages = {
  ServerReflectionRequest: {
    host: "1 string",
    file_by_filename: "3 string",
    file_containing_symbol: "4 string",
    list_services: "7 string",
  },
  ServerReflectionResponse: {
    file_descriptor_response: "4 .FileDescriptorResponse",
    list_services_response: "6 .ListServiceResponse",
    error_response: "7 .ErrorResponse",
  },
  FileDescriptorResponse: { file_descriptor_proto: "1 repeated bytes" },
  ListServiceResponse: { service: "1 repeated .ServiceResponse" },
  ServiceResponse: { name: "1 string" },
  ErrorResponse: { error_code: "1 int32", error_message: "2 string" },
};

/** https://github.com/googleapis/googleapis/blob/master/google/rpc: how a server says more of an error than its status. */
const RPC: Messages = {
  Status: { code: "1 int32", message: "2 string", details: "3 repeated .google.protobuf.Any" },
  RetryInfo: { retry_delay: "1 .google.protobuf.Duration" },
  QuotaFailure: { violations: "1 repeated .QuotaViolation" },
  QuotaViolation: { subject: "1 string", description: "2 string" },
  ErrorInfo: { reason: "1 string", domain: "2 string", metadata: "3 repeated .Pair" },
  Pair: { key: "1 string", value: "2 string" },
  PreconditionFailure: { violations: "1 repeated .PreconditionViolation" },
  PreconditionViolation: { type: "1 string", subject: "2 string", description: "3 string" },
  BadRequest: { field_violations: "1 repeated .FieldViolation" },
  FieldViolation: { field: "1 string", description: "2 string" },
  RequestInfo: { request_id: "1 string", serving_data: "2 string" },
  ResourceInfo: { resource_type: "1 string", resource_name: "2 string", owner: "3 string", description: "4 string" },
  Help: { links: "1 repeated .Link" },
  Link: { description: "1 string", url: "2 string" },
  LocalizedMessage: { locale: "1 string", message: "2 string" },
};

const SCALARS: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  int32: FieldDescriptorProto_Type.INT32,
};

function describe(name: string, pkg: string, messages: Messages, dependency: string[]): FileDescriptorProto {
  const absolute = (type: string): string => (type.startsWith(".google.") ? type : `.${pkg}${type}`);
  const field = ([fieldName, text]: [string, string]): FieldDescriptorProto => {
    const words = text.split(" ");
    const type = words.at(-1) as string;
    const scalar = SCALARS[type];
    return create(FieldDescriptorProtoSchema, {
      name: fieldName,
      jsonName: jsonNameOf(fieldName),
      number: Number(words[0]),
      label: words.length === 3 ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
      type: scalar ?? FieldDescriptorProto_Type.MESSAGE,
      ...(scalar === undefined && { typeName: absolute(type) }),
    });
  };
  return create(FileDescriptorProtoSchema, {
    name,
    package: pkg,
    // Presence tells the members of a oneof apart, which is all that is needed of it.
    syntax: "proto2",
    dependency,
    messageType: Object.entries(messages).map(([message, fields]) =>
      create(DescriptorProtoSchema, { name: message, field: Object.entries(fields).map(field) }),
    ),
  });
}

let registry: FileRegistry | undefined;

function known(): FileRegistry {
  const files = new Map<string, DescFile>(
    [file_google_protobuf_any, file_google_protobuf_duration].map((file) => [file.proto.name, file]),
  );
  registry ??= createFileRegistry(describe("google/rpc/known.proto", "google.rpc", RPC, [...files.keys()]), (path) =>
    files.get(path),
  );
  return registry;
}

let reflection: FileRegistry | undefined;

/** A message of server reflection; both of its versions have the same. */
export function reflectionMessage(name: "ServerReflectionRequest" | "ServerReflectionResponse"): DescMessage {
  reflection ??= createFileRegistry(
    describe("grpc/reflection/known.proto", "grpc.reflection", REFLECTION, []),
    () => undefined,
  );
  return reflection.getMessage(`grpc.reflection.${name}`) as DescMessage;
}

/** A message of `google.rpc` that tells of an error; undefined where it is none of those. */
export function errorMessage(typeName: string): DescMessage | undefined {
  return known().getMessage(typeName);
}
