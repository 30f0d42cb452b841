import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescService,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
  MethodOptions_IdempotencyLevel,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import type { DescFile } from "@bufbuild/protobuf";

/** Fields as `number type`, with `repeated` before the type where there are many. */
type Messages = Readonly<Record<string, Readonly<Record<string, string>>>>;

const PACKAGE = "demo.builds.v1";

const MESSAGES: Messages = {
  GetBuildRequest: { issue: "1 int32" },
  ListBuildsRequest: { author: "1 string", limit: "2 int32", interval_ms: "3 int32" },
  Build: {
    number: "1 int64",
    issue: "2 int32",
    author: "3 string",
    state: "4 State",
    finished_at: "5 google.protobuf.Timestamp",
    took: "6 google.protobuf.Duration",
    steps: "7 repeated Step",
  },
  Step: { name: "1 string", ok: "2 bool" },
  Summary: { steps: "1 int32", failed: "2 int32" },
};

const STATES = ["STATE_UNSPECIFIED", "PASSED", "FAILED"];

const METHODS = [
  { name: "GetBuild", input: "GetBuildRequest", output: "Build", reads: true },
  { name: "ListBuilds", input: "ListBuildsRequest", output: "Build", serverStreaming: true, reads: true },
  { name: "Report", input: "Step", output: "Summary", clientStreaming: true },
  { name: "Run", input: "Step", output: "Step", clientStreaming: true, serverStreaming: true },
] as const;

const SCALARS: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  bool: FieldDescriptorProto_Type.BOOL,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
};

function describe(name: string, pkg: string, messages: Messages, rest: object): FileDescriptorProto {
  const field = ([fieldName, text]: [string, string]) => {
    const words = text.split(" ");
    const type = words.at(-1) as string;
    const scalar = SCALARS[type];
    const kind = type === "State" ? FieldDescriptorProto_Type.ENUM : FieldDescriptorProto_Type.MESSAGE;
    return {
      name: fieldName,
      jsonName: fieldName.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase()),
      number: Number(words[0]),
      label: words.length === 3 ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
      type: scalar ?? kind,
      ...(scalar === undefined && { typeName: type.includes(".") ? `.${type}` : `.${pkg}.${type}` }),
    };
  };
  return create(FileDescriptorProtoSchema, {
    name,
    package: pkg,
    messageType: Object.entries(messages).map(([message, fields]) => ({
      name: message,
      field: Object.entries(fields).map(field),
    })),
    ...rest,
  });
}

const KNOWN = new Map<string, DescFile>(
  [file_google_protobuf_timestamp, file_google_protobuf_duration].map((file) => [file.proto.name, file]),
);

const builds = describe("demo/builds.proto", PACKAGE, MESSAGES, {
  syntax: "proto3",
  dependency: [...KNOWN.keys()],
  enumType: [{ name: "State", value: STATES.map((name, number) => ({ name, number })) }],
  service: [
    {
      name: "Builds",
      method: METHODS.map((method) => ({
        name: method.name,
        inputType: `.${PACKAGE}.${method.input}`,
        outputType: `.${PACKAGE}.${method.output}`,
        clientStreaming: "clientStreaming" in method,
        serverStreaming: "serverStreaming" in method,
        ...("reads" in method && { options: { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS } }),
      })),
    },
  ],
});

/** The service of the demonstration: builds of an imaginary repository. */
export const BUILDS = createFileRegistry(builds, (name) => KNOWN.get(name)).getService(
  `${PACKAGE}.Builds`,
) as DescService;

// https://github.com/grpc/grpc/blob/master/src/proto/grpc/reflection/v1/reflection.proto, as far as it is answered here.
const reflection = createFileRegistry(
  describe(
    "reflection.proto",
    "reflection",
    {
      Request: { file_by_filename: "3 string", file_containing_symbol: "4 string", list_services: "7 string" },
      Response: {
        file_descriptor_response: "4 Files",
        list_services_response: "6 Services",
        error_response: "7 Failure",
      },
      Files: { file_descriptor_proto: "1 repeated bytes" },
      Services: { service: "1 repeated Service" },
      Service: { name: "1 string" },
      Failure: { error_code: "1 int32", error_message: "2 string" },
    },
    { syntax: "proto2" },
  ),
  () => undefined,
);
const Request = reflection.getMessage("reflection.Request") as DescMessage;
const Response = reflection.getMessage("reflection.Response") as DescMessage;
const NOT_FOUND = 5;

/** The answer to one question of server reflection. */
export function answerReflection(bytes: Buffer): Buffer {
  const question = fromBinary(Request, bytes) as unknown as Record<string, string | undefined>;
  return Buffer.from(toBinary(Response, create(Response, answerTo(question) as never)));
}

function answerTo(question: Readonly<Record<string, string | undefined>>): object {
  if (question["listServices"]) return { listServicesResponse: { service: [{ name: BUILDS.typeName }] } };
  const file = question["fileByFilename"];
  const symbol = question["fileContainingSymbol"] ?? "";
  const found = file
    ? file === builds.name
      ? builds
      : KNOWN.get(file)?.proto
    : symbol.startsWith(PACKAGE)
      ? builds
      : undefined;
  if (found === undefined)
    return { errorResponse: { errorCode: NOT_FOUND, errorMessage: "nothing of that name is here" } };
  return { fileDescriptorResponse: { fileDescriptorProto: [toBinary(FileDescriptorProtoSchema, found)] } };
}
