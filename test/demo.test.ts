import { join } from "node:path";
import { expect, test } from "vitest";
import { runDemo } from "../src/demo/index.ts";
import { repository, runProcess } from "./run-process.ts";

const PROVIDERS = { mcp: 13, graphql: 4, openapi: 5, grpc: 5, websocket: 5 };

test("the demo tells of one handshake, reuses, one loss, one replacement and no failed call of each provider", async () => {
  const lines: string[] = [];
  const result = await runDemo({ write: (line) => lines.push(line) });
  const story = lines.join("\n");
  expect(result.problems, story).toEqual([]);
  expect(result.ok).toBe(true);
  expect(Object.keys(result.providers)).toEqual(Object.keys(PROVIDERS));
  for (const [provider, calls] of Object.entries(PROVIDERS)) {
    const counts = result.providers[provider];
    expect(counts).toMatchObject({ firstHandshakes: 1, losses: 1, replacements: 1, failedCalls: 0, calls });
    expect(counts?.reuses).toBe(calls - 2);
    const told = `1 first handshake, ${calls - 2} reuses, 1 loss, 1 replacement, 0 failed calls of ${calls}`;
    expect(story).toMatch(new RegExp(`^  ${provider} +${told}$`, "m"));
  }
  expect(result).toMatchObject({
    firstHandshakes: 5,
    losses: 5,
    replacements: 5,
    failedCalls: 0,
    calls: 32,
    reuses: 22,
  });
});

test("the demo shows what the program computed, and a table with both sessions of each provider", async () => {
  const lines: string[] = [];
  await runDemo({ write: (line) => lines.push(line) });
  const value = Object.fromEntries(
    lines.flatMap((line) => {
      const match = /^ {2}([a-z-]+) +([[{"\d].*)$/.exec(line);
      const text = match?.[2] ?? "";
      return match === null || !isJson(text) ? [] : [[match[1], JSON.parse(text)]];
    }),
  ) as Record<string, unknown>;
  expect(value).toMatchObject({ user: "octo-demo", issues: 130, created: 131 });
  // The counter lives in the session, so it starts again where the session was replaced.
  expect(value["counter-before"]).toEqual([1, 2]);
  expect(value["counter-after"]).toEqual([1, 2]);
  // What four services say of one issue, and what was taken of three streams.
  expect(value["hottest"]).toEqual({
    number: 11,
    author: "Grace H. (LANGUAGE)",
    hours: 2,
    release: "1.5.0",
    build: "running",
  });
  expect(value["failed-builds"]).toEqual([2, 6]);
  expect(value["open-releases"]).toEqual(["1.3.0", "1.4.0", "1.5.0", "1.6.0"]);
  expect(value["days"]).toEqual([[11, 37], [50], [63]]);
  const at = lines.findIndex((line) => /^ {2}provider +session +opened +calls +end +in place of$/.test(line));
  for (const [index, [provider, calls]] of Object.entries(PROVIDERS).entries()) {
    const [first = "", second = ""] = lines.slice(at + 2 + 2 * index);
    const before = provider === "mcp" ? 8 : 2;
    expect(first).toMatch(new RegExp(`^  ${provider} +\\S+ +before call 1 +${before} +lost by the service$`));
    expect(second).toMatch(
      new RegExp(`^  ${provider} +\\S+ +before call ${before + 1} +${calls - before} +closed by us +\\S+$`),
    );
    expect(second.trim().split(/\s+/).at(-1)).toBe(first.trim().split(/\s+/)[1]);
  }
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("without colour the story is plain text", async () => {
  const plain: string[] = [];
  await runDemo({ write: (line) => plain.push(line), color: false });
  expect(plain.join("\n")).not.toContain("\u001b");
  const coloured: string[] = [];
  await runDemo({ write: (line) => coloured.push(line), color: true });
  expect(coloured.join("\n")).toContain("\u001b[");
});

test("the demo leaves nothing open: its process ends by itself", async () => {
  const demo = JSON.stringify(join(repository, "src", "demo", "index.ts"));
  const script = `import { runDemo } from ${demo}; const { ok } = await runDemo({ write() {} }); console.log(ok);`;
  const { code, stdout } = await runProcess(process.execPath, ["--input-type=module", "-e", script], {
    timeoutMs: 15_000,
  });
  expect([code, stdout.trim()]).toEqual([0, "true"]);
});
