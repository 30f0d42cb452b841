import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRedactor } from "../../kernel/index.ts";
import { History, historyFile } from "./history.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-history-"));
  file = join(folder, "state", "ccos", "repl-history");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("the file stands where the state of programs belongs", () => {
  expect(historyFile({ XDG_STATE_HOME: "/state", HOME: "/home/ada" })).toBe("/state/ccos/repl-history");
  expect(historyFile({ XDG_STATE_HOME: "", HOME: "/home/ada" })).toBe("/home/ada/.local/state/ccos/repl-history");
});

test("lines come back the next time, newest first, from a file that only its owner reads", async () => {
  const first = new History(file);
  expect(await first.load()).toEqual([]);
  await first.add(["(let [x 1]", "  x)"], undefined);
  await first.add(["", "(+ 1 2)"], undefined);
  await first.close(undefined);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
  expect(await new History(file).load()).toEqual(["(+ 1 2)", "  x)", "(let [x 1]"]);
});

test("a file that others may read is closed to them", async () => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "1\n");
  await chmod(file, 0o644);
  await new History(file).add(["2"], undefined);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, "utf8")).toBe("1\n2\n");
});

test("a known secret is never stored, and one that becomes known later is taken out", async () => {
  const redactor = createRedactor();
  redactor.add("token-of-a-test-1");
  const history = new History(file);
  await history.add(['(def t "token-of-a-test-1")', "(+ 1 2)"], redactor);
  await history.add(['(def u "token-of-a-test-2")'], redactor);
  expect(await readFile(file, "utf8")).toBe('(+ 1 2)\n(def u "token-of-a-test-2")\n');
  redactor.add("token-of-a-test-2");
  await history.close(redactor);
  expect(await readFile(file, "utf8")).toBe("(+ 1 2)\n");
});

test("the file holds a thousand lines at most", async () => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, Array.from({ length: 1_500 }, (_, index) => `${index}\n`).join(""));
  const history = new History(file);
  expect(await history.load()).toHaveLength(1_000);
  await history.add(["last"], undefined);
  await history.close(undefined);
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  expect(lines).toHaveLength(1_000);
  expect(lines.at(-1)).toBe("last");
});

test("control characters in the file do not reach the terminal", async () => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "(a \u001b[2J)\n");
  expect(await new History(file).load()).toEqual(["(a )"]);
});

test("a place that cannot be written is no failure", async () => {
  await writeFile(join(folder, "state"), "a file where a folder should be");
  const history = new History(file);
  expect(await history.load()).toEqual([]);
  await history.add(["1"], undefined);
  await history.close(undefined);
});
