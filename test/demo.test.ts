import { join } from "node:path";
import { expect, test } from "vitest";
import { runDemo } from "../src/demo/index.ts";
import { repository, runProcess } from "./run-process.ts";

test("the demo tells of one handshake, reuses, one loss, one replacement and no failed call", async () => {
  const lines: string[] = [];
  const result = await runDemo({ write: (line) => lines.push(line) });
  const story = lines.join("\n");
  expect(result.problems, story).toEqual([]);
  expect(result).toMatchObject({ ok: true, firstHandshakes: 1, losses: 1, replacements: 1, failedCalls: 0, calls: 13 });
  expect(result.reuses).toBe(11);
  expect(story).toMatch(/^ {2}1 first handshake$/m);
  expect(story).toMatch(new RegExp(`^  ${result.reuses} reuses$`, "m"));
  expect(story).toMatch(/^ {2}1 loss$/m);
  expect(story).toMatch(/^ {2}1 replacement$/m);
  expect(story).toMatch(/^ {2}0 failed calls of 13$/m);
});

test("the demo shows what the program computed, and a table with both sessions", async () => {
  const lines: string[] = [];
  await runDemo({ write: (line) => lines.push(line) });
  const value = Object.fromEntries(
    lines.flatMap((line) => {
      const match = /^ {2}([a-z-]+) +([[{"\d].*)$/.exec(line);
      return match === null ? [] : [[match[1], JSON.parse(match[2] as string)]];
    }),
  ) as Record<string, unknown>;
  expect(value).toMatchObject({ user: "octo-demo", issues: 130, created: 131 });
  // The counter lives in the session, so it starts again where the session was replaced.
  expect(value["counter-before"]).toEqual([1, 2]);
  expect(value["counter-after"]).toEqual([1, 2]);
  const at = lines.findIndex((line) => /^ {2}session +opened +calls +end +in place of$/.test(line));
  const [first = "", second = ""] = lines.slice(at + 2);
  expect(first).toMatch(/^ {2}\S+ +before call 1 +8 +forgotten by the server$/);
  expect(second).toMatch(/^ {2}\S+ +before call 9 +5 +closed by us +\S+$/);
  expect(second.trim().split(/\s+/).at(-1)).toBe(first.trim().split(/\s+/)[0]);
});

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
