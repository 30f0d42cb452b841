import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTrustStore } from "../config/index.ts";
import { CcosError } from "../kernel/index.ts";
import type { CommandContext } from "./command-context.ts";
import { offerTrust } from "./offer-trust.ts";
import { createOutput } from "./output.ts";

let cwd: string;
let env: Record<string, string>;
const refused = new CcosError("permission-denied", "It may not.", { details: { trustPath: "capabilities" } });

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "ccos-offer-"));
  env = { CCOS_TRUST_FILE: join(cwd, "state", "trust.json") };
  await mkdir(join(cwd, "capabilities"));
  await writeFile(join(cwd, "capabilities", "a.rtfs"), "(do)");
});
afterEach(() => rm(cwd, { recursive: true }));

function context(ask: CommandContext["ask"], options: CommandContext["options"] = {}): CommandContext {
  const sink = { write: () => true };
  return {
    ask,
    options,
    output: createOutput({ stdout: sink, stderr: sink, env: {} }),
    env,
    cwd,
    stdin: (async function* () {})(),
    signal: new AbortController().signal,
    watchSignals: () => {},
  };
}

const trusted = () => createTrustStore({ env, cwd }).isTrusted("capabilities");

describe("an offer to trust", () => {
  it("records a yes", async () => {
    const questions: string[] = [];
    const ask = (question: string) => Promise.resolve((questions.push(question), "Y"));
    expect(await offerTrust(refused, context(ask))).toBe(true);
    expect(questions).toEqual(["Trust capabilities as it is now? [y/N] "]);
    expect(await trusted()).toBe(true);
  });

  it.each(["", "n", "yesterday", "no"])("takes %j for a no", async (answer) => {
    expect(
      await offerTrust(
        refused,
        context(() => Promise.resolve(answer)),
      ),
    ).toBe(false);
    expect(await trusted()).toBe(false);
  });

  it("takes a closed terminal for a no", async () => {
    expect(
      await offerTrust(
        refused,
        context(() => Promise.reject(new Error("closed"))),
      ),
    ).toBe(false);
  });

  it("is not made where nobody is there, where it is to be quiet, or where trust would not help", async () => {
    const ask = () => expect.fail("it asked");
    expect(await offerTrust(refused, context(undefined))).toBe(false);
    expect(await offerTrust(refused, context(ask, { quiet: true }))).toBe(false);
    expect(await offerTrust(new CcosError("permission-denied", "Bound to others."), context(ask))).toBe(false);
    expect(await offerTrust(new Error("x"), context(ask))).toBe(false);
  });
});
