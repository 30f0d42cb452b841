import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProcess, repository } from "../run-process.ts";
import { createPlace, type Place } from "./ccos-process.ts";

let place: Place;
beforeAll(async () => {
  place = await createPlace();
  await place.write({
    "caps/a.rtfs": '(capability "demo.a" :description "A")\n',
    "program.rtfs": "(+ 1 (:n input))\n",
    "broken.rtfs": "(let [x 1]\n  (+ x",
  });
});
afterAll(() => place.remove());

describe("the command line", () => {
  test.each([
    [[], /Usage: ccos/],
    [["evl", "3"], /^error\[usage\]: unknown command 'evl'\n {2}Did you mean eval\?/],
    [["list", "--bogus"], /^error\[usage\]: unknown option '--bogus'/],
    [["eval"], /nothing to evaluate/],
    [["eval", "1", "--file", "program.rtfs"], /not both/],
    [["eval", "1", "2"], /too many arguments/],
    [["eval", "1", "--print", "xml"], /argument 'xml' is invalid/],
    [["run", "missing.rtfs"], /missing\.rtfs does not exist/],
    [["run", "program.rtfs", "--input", "{bad"], /not JSON/],
    [["call"], /missing required argument 'id'/],
    [["call", "demo.a", "{bad"], /not JSON/],
    [["call", "demo.a", "--timeout", "soon"], /whole number/],
    [["import", "mcp", "http://127.0.0.1:1/mcp"], /--out/],
    [["trust"], /missing required argument/],
  ])("%j is a mistake of usage: exit code 2, nothing on stdout", async (args, message) => {
    const { code, stdout, stderr } = await place.ccos(args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("--help and --version go to stdout with exit code 0", async () => {
    const { version } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as { version: string };
    expect(await place.ccos(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    const help = await place.ccos(["call", "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/--timeout <ms>[\s\S]*Global Options:[\s\S]*--capabilities/);
  });

  test("trust records what is there, and a change ends it", async () => {
    const { code, stdout, stderr } = await place.ccos(["trust", "caps", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject([{ path: join(place.folder, "caps"), kind: "folder", files: 1 }]);
    expect((await place.ccos(["trust", "nowhere"])).code).toBe(1);
  });

  test("output that cannot be written is told of, and no crash", async () => {
    const main = join(repository, "src", "cli", "main.ts");
    const { code, stderr } = await runProcess("/bin/sh", ["-c", `"${process.execPath}" "${main}" eval 1 > /dev/full`]);
    expect(stderr).toBe("error[output]: What is written to stdout is lost (ENOSPC).\n");
    expect(code).toBe(1);
  });

  test("a Node that is too old is named, and nothing else is loaded", async () => {
    const old = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.19.0"}})`;
    const { code, stderr, stdout } = await runProcess(process.execPath, [
      "--import",
      old,
      join(repository, "src/cli/main.ts"),
      "eval",
      "1",
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/needs Node 24\.15 or newer, and this is Node 20\.19\.0/);
  });
});
