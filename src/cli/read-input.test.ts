import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CcosError } from "../kernel/index.ts";
import { readJsonArgument, readText } from "./read-input.ts";

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "ccos-input-"));
  await writeFile(join(cwd, "a.json"), '\uFEFF{"a": 1}');
});
afterAll(() => rm(cwd, { recursive: true }));

async function* nothingEver(): AsyncIterable<Uint8Array> {
  yield await new Promise<never>(() => {});
}

describe("text that a command reads", () => {
  it("comes from a file", async () => {
    expect(await readJsonArgument("@a.json", { cwd, stdin: nothingEver() })).toEqual({ a: 1 });
  });

  it.each([
    ["nothing.json", "does not exist"],
    [".", "is a folder"],
    ["/dev/zero", "more than 268435456 bytes"],
  ])("does not come from %s", async (name, why) => {
    await expect(readText(name, { cwd, stdin: nothingEver() })).rejects.toThrow(why);
  });

  it("is not waited for once the command is canceled", async () => {
    const controller = new AbortController();
    const reading = readText("-", { cwd, stdin: nothingEver(), signal: controller.signal });
    controller.abort(new CcosError("canceled", "Canceled by SIGINT."));
    await expect(reading).rejects.toMatchObject({ code: "canceled" });
  });
});
