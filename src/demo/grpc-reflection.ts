import { status, type Server, type ServerDuplexStream } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";

const PROTOCOL = `
  syntax = "proto3";
  package grpc.reflection.v1;
  message ServerReflectionRequest {
    string host = 1;
    oneof message_request {
      string file_by_filename = 3;
      string file_containing_symbol = 4;
      string list_services = 7;
    }
  }
  message ServerReflectionResponse {
    string valid_host = 1;
    FileDescriptorResponse file_descriptor_response = 4;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
  message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
  message ListServiceResponse { repeated ServiceResponse service = 1; }
  message ServiceResponse { string name = 1; }
  message ErrorResponse { int32 error_code = 1; string error_message = 2; }
`;

interface Question {
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly listServices?: string;
}

/**
 * Has a server say what it offers: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md, version 1.
 *
 * @param services names with their packages, all of them described by the one file `root` was parsed from
 */
export function addReflection(server: Server, root: protobuf.Root, services: readonly string[]): void {
  const protocol = protobuf.parse(PROTOCOL).root;
  const Request = protocol.lookupType("ServerReflectionRequest");
  const Response = protocol.lookupType("ServerReflectionResponse");
  const files = descriptor.FileDescriptorSet.encode(root.toDescriptor("proto3")).finish();
  const [file] = (descriptor.FileDescriptorSet.decode(files) as unknown as { file: protobuf.Message[] }).file;
  const described = descriptor.FileDescriptorProto.encode(file as protobuf.Message).finish();
  const prefix = (services[0] ?? "").replace(/[^.]*$/, "");

  const answer = ({ fileByFilename, fileContainingSymbol, listServices }: Question): object => {
    if (listServices !== undefined && listServices !== "")
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    const isOurs = fileByFilename === nameOf(file) || fileContainingSymbol?.startsWith(prefix) === true;
    if (isOurs) return { fileDescriptorResponse: { fileDescriptorProto: [described] } };
    return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage: "It is not described here." } };
  };
  server.register(
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    (call: ServerDuplexStream<Question, object>) => {
      call.on("data", (question: Question) => call.write(answer(question)));
      call.on("end", () => call.end());
    },
    (reply: object) => Buffer.from(Response.encode(Response.fromObject(reply)).finish()),
    (bytes: Buffer) => Request.toObject(Request.decode(bytes)) as Question,
    "bidi",
  );
}

function nameOf(file: protobuf.Message | undefined): string | undefined {
  return (file as { readonly name?: string } | undefined)?.name;
}
