import { describe, test } from "vitest";
import { handlerChecks } from "../../testing/index.ts";
import { lineRig } from "../../examples/line-provider/line-rig.ts";
describe("the line handler", () => {
  for (const { name, run } of handlerChecks(lineRig)) test(name, run);
});
