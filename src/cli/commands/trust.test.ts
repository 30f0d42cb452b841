import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CommandContext } from "../command-context.ts";
import { createOutput } from "../output.ts";
import { trustCommand } from "./trust.ts";

let cwd: string;
let told: string;
let context: CommandContext;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "ccos-trust-"));
  told = "";
  const sink = { isTTY: true, write: (text: string) => (told += text) };
  context = {
    options: {},
    output: createOutput({ stdout: sink, stderr: sink, env: { NO_COLOR: "1" } }),
    env: { CCOS_TRUST_FILE: join(cwd, "state", "trust.json") },
    cwd,
    ask: undefined,
    stdin: (async function* () {})(),
    signal: new AbortController().signal,
    watchSignals: () => {},
  };
});
afterEach(() => rm(cwd, { recursive: true }));

it("says what it recorded, and a folder's name moves no cursor", async () => {
  await mkdir(join(cwd, "caps\u001b[5m\u202e"));
  await trustCommand({ paths: ["caps\u001b[5m\u202e"] }, context);
  await writeFile(join(cwd, "caps\u001b[5m\u202e", "a.rtfs"), "(do)");
  await trustCommand({ paths: ["caps\u001b[5m\u202e"] }, context);
  expect(told).toMatch(/caps holds no capability file yet[\s\S]*Trusted: .*caps \(1 file, sha256/);
  expect(told).not.toMatch(/[\u001b\u202e]/);
});
