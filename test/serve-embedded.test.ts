import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createEnvironment } from "../src/environment.ts";
import { DEMO_PORTS } from "../src/demo/services.ts";
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

test("all services of the demo can be served, where the files in capabilities/demo look for them", async () => {
  const child = spawn(process.execPath, [script, "--all"], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  let said = "";
  while (said.split("\n").length < 6) said += String(((await once(child.stdout, "data")) as [Buffer])[0]);
  const ports = [...said.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  expect(ports).toEqual(Object.values(DEMO_PORTS));
  const env = await createEnvironment({
    capabilities: [join(repository, "capabilities", "demo")],
    config: {},
    env: {},
    cwd: repository,
  });
  const source = readFileSync(join(repository, "examples", "tour.rtfs"), "utf8");
  expect(await env.run(source)).toMatchObject({ issues: 130, "failed-builds": [2, 6] });
  await env.close();
  child.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});

test.each(["", "x", "-1", "70000"])("the port %j is refused in one line", async (port) => {
  const { code, stderr } = await runProcess(process.execPath, [script, `--port=${port}`]);
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
