import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository, runProcess } from "./run-process.ts";

const script = join(repository, "src", "demo", "serve.ts");

test("the embedded server can be served by itself, until it is told to stop", async () => {
  const child = spawn(process.execPath, [script, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const url = line.toString().trim();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  expect((await fetch(url)).status).toBe(400);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test.each(["", "x", "-1", "70000"])("the port %j is refused in one line", async (port) => {
  const { code, stderr } = await runProcess(process.execPath, [script, `--port=${port}`]);
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
