import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlace, type Place } from "./ccos-process.ts";
import { startToolServer, toolFile, type ToolServer } from "./tool-server.ts";

let place: Place;
let server: ToolServer;

beforeAll(async () => {
  place = await createPlace();
  server = await startToolServer({
    echo: (input) => ({ text: JSON.stringify(input) }),
    refuse: (input) => ({ text: `refused\u001b[31m ${String(input["secret"])}`, isError: true }),
    hang: () => "hang",
  });
  await place.write({
    "caps/echo.rtfs": toolFile("acme.echo", server.url, {
      block: ':auth_env_var "ACME_TOKEN"',
      form: ":input-schema [:map [:n :int] [:on :bool ?] [:labels [:vector :string] ?] [:text :string ?]]",
    }),
    "caps/refuse.rtfs": toolFile("acme.refuse", server.url),
    "caps/refuse-token.rtfs": toolFile("acme.refuse-token", server.url, {
      tool: "refuse",
      block: ':auth_env_var "ACME_TOKEN"',
    }),
    "caps/hang.rtfs": toolFile("acme.hang", server.url),
    "caps/area.rtfs": '(capability "demo.area" :description "Area" :implementation (fn [in] (* (:w in) (:h in))))\n',
    "bad/broken.rtfs": '(capability "x.y"\n  :description "no end"\n',
    "bad/no-session.rtfs":
      '(capability "x.z" :description "Z" :metadata {:mcp {:server_url "http://127.0.0.1:1/" :tool_name "z"}})\n',
    "bad/twice.rtfs": '(capability "x.z" :description "again" :implementation (fn [x] x))\n',
    "limits.json": '{"limits": {"max_output_size": 50}}',
    "program.rtfs": "(+ 1 (:n input))\n",
    "failing.rtfs": "(let [x 1]\n  (undefined-thing x))\n",
    "unread.rtfs": "(let [x 1]\n  (+ x",
  });
});
afterAll(async () => {
  await server.stop();
  await place.remove();
});

const token = { ACME_TOKEN: "token-of-a-test-1" };
const call = (args: readonly string[], env: Record<string, string> = token) =>
  place.ccos(["call", ...args, "--capabilities", "caps"], { env });

describe("eval and run", () => {
  test.each([
    [["eval", "(+ 1 2)"], "3\n"],
    [["eval", '{:a 1 :b [2.0 nil "x"]}'], '{:a 1 :b [2.0 nil "x"]}\n'],
    [["eval", "{:a 1 :b [2.0 nil]}", "--print", "json"], '{"a":1,"b":[2.0,null]}\n'],
    [["eval", "{:a 1}", "--json"], '{"a":1}\n'],
    [["--json", "eval", "{:a 1}"], '{"a":1}\n'],
    [["eval", "-5"], "-5\n"],
    [["eval", "--", "-5"], "-5\n"],
    [["run", "program.rtfs", "--input", '{"n": 41}'], "42\n"],
    [["eval", "9007199254740993", "--json"], "9007199254740993\n"],
  ])("%j prints a value on stdout and nothing else", async (args, stdout) => {
    expect(await place.ccos(args)).toEqual({ code: 0, stdout, stderr: "" });
  });

  test.each([
    [["eval", "(reduce + (range 100000))", "--max-steps", "1000"], "1000 steps"],
    [["eval", "(reduce (fn [_ n] (reduce + (range 100000))) (range 100000))", "--timeout", "50"], "50 ms"],
    [["eval", "(range 100)", "--config", "limits.json"], "characters"],
  ])("%j ends at its limit", async (args, stated) => {
    const { code, stdout, stderr } = await place.ccos(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error\[interrupted\]/);
    expect(stderr).toContain(stated);
  });

  test("read programs and input from stdin", async () => {
    expect(await place.ccos(["eval", "--file", "-"], { stdin: "(* 6 7)" })).toEqual({
      code: 0,
      stdout: "42\n",
      stderr: "",
    });
    expect(await place.ccos(["run", "program.rtfs", "--input", "-"], { stdin: '{"n": 1}' })).toMatchObject({
      code: 0,
      stdout: "2\n",
    });
  });

  test("point at the place of a mistake, and keep stdout empty", async () => {
    const failed = await place.ccos(["run", "failing.rtfs"]);
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toMatch(/^error\[eval-error\]:/);
    expect(failed.stderr).toMatch(/failing\.rtfs:2:4/);
    expect(failed.stderr).toContain("2 |   (undefined-thing x))");
    const unread = await place.ccos(["run", "unread.rtfs"]);
    expect(unread).toMatchObject({ code: 3, stdout: "" });
    expect(unread.stderr).toMatch(/^error\[read-error\]:[\s\S]*unread\.rtfs:/);
  });
});

describe("call", () => {
  test("prints the result alone, and types key=value by the schema", async () => {
    const { code, stdout, stderr } = await call(["acme.echo", "n=3", "on=true", "labels=a", "labels=b", "text=7"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({ n: 3, on: true, labels: ["a", "b"], text: "7" });
  });

  test("takes JSON from an argument, a file and stdin", async () => {
    await place.write({ "input.json": '{"n": 5}' });
    expect((await call(["acme.echo", '{"n": 5}'])).stdout).toBe('{"n":5}\n');
    expect((await call(["acme.echo", "@input.json"])).stdout).toBe('{"n":5}\n');
    const piped = await place.ccos(["call", "acme.echo", "-", "--capabilities", "caps"], {
      stdin: '{"n": 6}',
      env: token,
    });
    expect(piped.stdout).toBe('{"n":6}\n');
  });

  test("with --json prints the envelope, also of a failure", async () => {
    const good = await call(["acme.echo", "n=1", "--json"]);
    expect(JSON.parse(good.stdout)).toEqual({
      ok: true,
      value: { n: 1 },
      session: { id: expect.any(String) as string, provider: "mcp", reused: false },
      attempts: 1,
      durationMs: expect.any(Number) as number,
    });
    const bad = await call(["acme.refuse", "{}", "--json"]);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      error: { code: "rejected", retryable: false },
      session: { provider: "mcp" },
      attempts: 1,
    });
    const local = await call(["demo.area", "w:=2", "h:=3", "--json"]);
    expect(JSON.parse(local.stdout)).toMatchObject({ ok: true, value: 6, session: null, attempts: 0 });
  });

  test.each([
    [["acme.ecko", "{}"], 1, /^error\[not-found\][\s\S]*acme\.echo/],
    [["acme.echo", '{"n": "three"}'], 1, /^error\[invalid-argument\][\s\S]*n/],
    [["acme.refuse", "{}"], 1, /^error\[rejected\][^\u001b]*refused/],
  ])("%j fails with exit code %i and says why on stderr", async (args, code, message) => {
    const ended = await call(args);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  test("shows no secret, whoever says it", async () => {
    for (const more of [[], ["--json"], ["--verbose"]]) {
      const { code, stdout, stderr } = await call(["acme.refuse-token", `secret=${token.ACME_TOKEN}`, ...more]);
      expect(code).toBe(1);
      expect(stdout + stderr).toContain("[redacted]");
      expect(stdout + stderr).not.toContain(token.ACME_TOKEN);
      expect(stdout + stderr).not.toContain("peer-session-1");
    }
  });

  test("with --verbose tells the story in order, a line each", async () => {
    const { stdout, stderr } = await call(["acme.echo", "n=1", "--verbose"]);
    expect(stdout).toBe('{"n":1}\n');
    const words = stderr
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(0, 16).trim());
    expect(words).toEqual(["session required", "opening", "opened", "calling", "closed"]);
    expect(stderr).toContain('(mcp_requires_session = "auto")');
    expect(stderr).toContain(server.url);
  });

  test("with --timeout ends in time", async () => {
    const { code, stderr } = await call(["acme.hang", "--timeout", "300"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error\[deadline-exceeded\]/);
  });
});

describe("Ctrl-C", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s cancels the call, closes the session at the server, and ends with %i", async (signal, code) => {
    const before = server.count("DELETE");
    const running = place.start(["call", "acme.hang", "--capabilities", "caps", "--verbose"]);
    await running.said("calling");
    running.child.kill(signal);
    const ended = await running.ended;
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(/error\[canceled\]/);
    expect(server.count("DELETE")).toBe(before + 1);
  });

  test("in a program that calls does the same", async () => {
    const running = place.start(["eval", '(call "acme.hang" {})', "--capabilities", "caps", "--verbose"]);
    await running.said("calling");
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 130, stdout: "" });
  });
});

test("a program that only computes can be interrupted, too", async () => {
  const running = place.start([
    "eval",
    "--verbose",
    '(do (println "begun") (reduce (fn [a x] (+ a x)) 0 (map (fn [x] (reduce + 0 (range 0 x))) (range 0 20000))))',
  ]);
  await running.said("begun");
  running.child.kill("SIGINT");
  expect(await running.ended).toMatchObject({ code: 130, stdout: "" });
});

test("a reader that goes away is no failure", async () => {
  const running = place.start(["eval", "(range 0 300000)"]);
  running.child.stdout.destroy();
  const { code, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

describe("check", () => {
  test("says file, line and column of each mistake, goes on after it, and ends with 3", async () => {
    const { code, stdout, stderr } = await place.ccos(["check", "bad"]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/error\[read-error\][\s\S]*bad\/broken\.rtfs:\d+:\d+/);
    expect(stderr).toMatch(/no-session\.rtfs[\s\S]*twice\.rtfs|twice\.rtfs[\s\S]*no-session\.rtfs/);
    expect(stderr).toMatch(/warning: bad\/no-session\.rtfs:1:\d+ .*requires_session/);
  });

  test("is where remarks on a file belong: who uses it is told that there are some, and with --verbose which", async () => {
    const brief = await place.ccos(["list", "--capabilities", "bad/no-session.rtfs"]);
    expect(brief.stderr).toBe("warning: bad/no-session.rtfs: a remark; ccos check tells what.\n");
    const full = await place.ccos(["list", "--capabilities", "bad/no-session.rtfs", "--verbose"]);
    expect(full.stderr).toMatch(/^warning: bad\/no-session\.rtfs:1:\d+ .*requires_session/);
  });

  test("with --json reports the same for programs", async () => {
    const { code, stdout } = await place.ccos(["check", "bad", "caps", "--json"]);
    expect(code).toBe(3);
    const report = JSON.parse(stdout) as { files: number; capabilities: number; errors: object[]; warnings: object[] };
    expect(report.files).toBeGreaterThanOrEqual(7);
    expect(report.errors).toContainEqual(
      expect.objectContaining({
        file: "bad/broken.rtfs",
        line: expect.any(Number) as number,
        column: expect.any(Number) as number,
        code: "read-error",
      }),
    );
    expect(report.warnings).toContainEqual(expect.objectContaining({ file: "bad/no-session.rtfs", line: 1 }));
  });

  test("knows the providers that the configuration names, and loads none of them", async () => {
    await place.write({
      "line/a.rtfs": '(capability "line.a" :description "A" :metadata {:line {:requires_session "true"}})\n',
      "line.config.json": '{"providers": {"line": "./no-such-module.mjs"}}',
    });
    expect(await place.ccos(["check", "line", "--config", "line.config.json"])).toMatchObject({ code: 0 });
    const unknown = await place.ccos(["check", "line"]);
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain('"line"');
  });

  test("warns of what looks wrong in programs and in the code of capabilities, and says where", async () => {
    await place.write({
      "suspect/program.rtfs": "(defn f [n]\n  (let [unused 1]\n    (lenght n)))\n",
      "suspect/cap.rtfs": '(capability "x.suspect" :description "D"\n  :implementation (fn [in] (inc 1 2)))\n',
    });
    const { code, stdout, stderr } = await place.ccos(["check", "suspect"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr.trimEnd().split("\n")).toEqual([
      "warning: suspect/cap.rtfs:2:28 inc takes 1 argument; here it is given 2.",
      "warning: suspect/program.rtfs:2:9 The binding unused is never used. If that is meant, begin its name with _.",
      'warning: suspect/program.rtfs:3:6 The name lenght is not defined. Did you mean "length"?',
      "2 files, 1 capability, 0 errors, 3 warnings",
    ]);
    const { warnings } = JSON.parse((await place.ccos(["check", "suspect", "--json"])).stdout) as {
      warnings: object[];
    };
    expect(warnings).toContainEqual({
      file: "suspect/program.rtfs",
      line: 3,
      column: 6,
      code: "unknown-name",
      message: 'The name lenght is not defined. Did you mean "length"?',
    });
  });

  test("refuses a program of a wrong shape with 3", async () => {
    await place.write({ "shapes/program.rtfs": "(def a 1)\n(let [x] x)\n" });
    const { code, stderr } = await place.ccos(["check", "shapes"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/error\[read-error\]: This binding has no value\.\n {2}at shapes\/program\.rtfs:2:7/);
  });

  test("of good files ends with 0", async () => {
    expect(await place.ccos(["check", "caps"])).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("list and describe", () => {
  test("list --json names each capability with its provider and file", async () => {
    const { code, stdout, stderr } = await place.ccos(["list", "acme.ec", "--json", "--capabilities", "caps"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual([
      {
        id: "acme.echo",
        name: "acme.echo",
        description: "A tool called echo",
        provider: "mcp",
        effects: [":network"],
        file: "caps/echo.rtfs",
      },
    ]);
  });

  test("a description of several lines stays in its column", async () => {
    await place.write({ "lines.rtfs": '(capability "a.b" :description "one\\ntwo" :implementation (fn [x] x))' });
    const { stdout } = await place.ccos(["describe", "a.b", "--capabilities", "lines.rtfs"]);
    expect(stdout).toMatch(/^ {2}description {4}one\n {17}two\n/m);
  });

  test("describe --json shows schemas, metadata and where each setting comes from", async () => {
    await place.write({
      "other.config.json": JSON.stringify({
        session: { max_sessions: 3 },
        endpoints: { [server.url]: { timeout_ms: 1234 } },
      }),
    });
    const { stdout } = await place.ccos([
      "describe",
      "acme.echo",
      "--json",
      "--capabilities",
      "caps",
      "--config",
      "other.config.json",
    ]);
    const described = JSON.parse(stdout) as Record<string, unknown>;
    expect(described).toMatchObject({
      id: "acme.echo",
      provider: "mcp",
      inputSchema: { rtfs: expect.stringContaining("[:map") as string, jsonSchema: { type: "object" } },
      flatMetadata: { mcp_server_url: server.url, mcp_requires_session: "auto" },
      policy: {
        timeout_ms: { value: 1234, source: "endpoint" },
        session: {
          max_sessions: { value: 3, source: "configuration" },
          max_waiters: { value: 1000, source: "default" },
        },
      },
    });
  });

  test("describe hides a token that stands in the file itself", async () => {
    await place.write({
      "literal/a.rtfs": toolFile("literal.a", server.url, { block: ':auth_token "written-into-the-file"' }),
    });
    for (const more of [[], ["--json"]]) {
      const { code, stdout } = await place.ccos(["describe", "literal.a", "--capabilities", "literal", ...more]);
      expect(code).toBe(0);
      expect(stdout).toContain("[redacted]");
      expect(stdout).not.toContain("written-into-the-file");
    }
  });

  test("describe names what is near to an unknown id", async () => {
    const { code, stderr } = await place.ccos(["describe", "acme.eco", "--capabilities", "caps"]);
    expect(code).toBe(1);
    expect(stderr).toContain('"acme.echo"');
  });
});
