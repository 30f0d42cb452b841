import { createFileRegistry, fromJson, type DescMethod } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

export const PROTO = `syntax = "proto3";
package bench;
message Key { string key = 1; }
message Thing { string key = 1; string padding = 2; }
service Things { rpc Read(Key) returns (Thing); }
`;

/** What a generator makes of it. */
const file = fromJson(FileDescriptorProtoSchema, {
  name: "bench.proto",
  package: "bench",
  syntax: "proto3",
  messageType: [
    { name: "Key", field: [{ name: "key", jsonName: "key", number: 1, label: "LABEL_OPTIONAL", type: "TYPE_STRING" }] },
    {
      name: "Thing",
      field: [
        { name: "key", jsonName: "key", number: 1, label: "LABEL_OPTIONAL", type: "TYPE_STRING" },
        { name: "padding", jsonName: "padding", number: 2, label: "LABEL_OPTIONAL", type: "TYPE_STRING" },
      ],
    },
  ],
  service: [{ name: "Things", method: [{ name: "Read", inputType: ".bench.Key", outputType: ".bench.Thing" }] }],
});

const service = createFileRegistry(file, () => undefined).getService("bench.Things");
export const read = service?.methods[0] as DescMethod;
export const path = "/bench.Things/Read";
