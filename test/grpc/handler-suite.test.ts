import { describe, test } from "vitest";

import { handlerChecks, type HandlerRig } from "../../testing/index.ts";
import { grpcRig } from "./handler-rigs.ts";

const rigs: [string, HandlerRig][] = [
  ["with server reflection", grpcRig("reflection")],
  ["with a .proto file", grpcRig("proto")],
];

describe.each(rigs)("the gRPC handler %s", (_name, rig) => {
  for (const { name, run } of handlerChecks(rig)) test(name, run);
});
