import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../src/cli/program.ts";
import { fromJsonText, print, TOPICS } from "../../src/rtfs/index.ts";
import { casesOf, expectedText, files, type Case } from "../corpus-cases.ts";

// Every program of the corpus as a file on the command line, in this process. Those that need the capabilities,
// the context or the store of the corpus's own host are left out: they are evaluated beside it.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eval-corpus-"));
});
afterAll(() => rm(folder, { recursive: true }));

const HOST_NAMES = TOPICS.host.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
const needsHost = ({ program }: Case): boolean =>
  HOST_NAMES.some((name) => program.includes(name)) || /@|\^|\(get [:a-z]+\)|step|acc\b|user\b/.test(program);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function evalFile(program: string, args: readonly string[]): Promise<Ended> {
  const file = join(folder, "program.rtfs");
  await writeFile(file, program);
  let stdout = "";
  let stderr = "";
  const sink = (take: (text: string) => void) => ({ isTTY: false, write: (text: string) => (take(text), true) });
  const code = await main(["eval", "--file", file, "--no-color", ...args], {
    stdin: Readable.from([]),
    ask: undefined,
    stdout: sink((text) => (stdout += text)),
    stderr: sink((text) => (stderr += text)),
    env: {},
    cwd: folder,
    signals: { on: () => {}, off: () => {}, exit: () => {} },
  });
  return { code, stdout, stderr };
}

for (const name of files) {
  const cases = casesOf(name).filter((one) => !needsHost(one));
  describe(name, () => {
    test(`the command prints the values of ${cases.length} programs, and tells the place of each error`, async () => {
      const wrong: unknown[] = [];
      for (const one of cases) {
        const { code, stdout, stderr } = await evalFile(one.program, ["--print", "edn"]);
        const expected = expectedText(one);
        const kind = expected.startsWith("!! ") ? expected.slice(3) : undefined;
        const right =
          kind === undefined
            ? code === 0 && stdout === `${expected}\n` && stderr === ""
            : code === (kind === "read-error" ? 3 : 1) &&
              stdout === "" &&
              /error\[[a-z-]+\]/.test(stderr) &&
              /program\.rtfs:\d+:\d+/.test(stderr);
        if (!right) wrong.push({ line: one.line, program: one.program, expected, code, stdout, stderr });
      }
      expect(wrong).toEqual([]);
    }, 60_000);
  });
}

test("--print json prints values as JSON, or says what has no form there", async () => {
  for (const name of ["02-values.rtfs", "09-library.rtfs"]) {
    const some = casesOf(name).filter((one) => one.verb === "=>" && !needsHost(one));
    for (const one of some.filter((_, index) => index % 5 === 0)) {
      const { code, stdout, stderr } = await evalFile(one.program, ["--print", "json"]);
      if (code === 0) expect(() => fromJsonText(stdout)).not.toThrow();
      else
        expect([one.program, code, stderr]).toEqual([
          one.program,
          1,
          expect.stringMatching(/error\[invalid-argument\]: JSON has no/),
        ]);
    }
  }
  expect(await evalFile("{:b [1 2.0 nil] :a 9007199254740993}", ["--print", "json"])).toMatchObject({
    code: 0,
    stdout: '{"a":9007199254740993,"b":[1,2.0,null]}\n',
  });
  expect(print(fromJsonText('{"a":2.0}'))).toBe('{"a" 2.0}');
});
