import { describe, expect, it } from "vitest";
import { CcosError } from "../kernel/index.ts";
import { reportError } from "./error-report.ts";
import { exitCodeOf } from "./exit-code.ts";
import { createOutput } from "./output.ts";
import { UsageError } from "./usage-error.ts";

function report(error: unknown, sources?: Map<string | undefined, string>): string {
  const lines: string[] = [];
  const sink = { write: (text: string) => lines.push(text) };
  reportError(error, createOutput({ stdout: { write: () => expect.fail("on stdout") }, stderr: sink, env: {} }), {
    cwd: "/",
    sources,
  });
  return lines.join("");
}

describe("an error for people", () => {
  it("says code, message and remedy", () => {
    expect(report(new CcosError("not-found", "There is no x.", { remedy: "Try y." }))).toBe(
      "error[not-found]: There is no x.\n  Try y.\n",
    );
  });

  it("shows the line of its place", () => {
    const error = new CcosError("eval-error", "No such symbol.", { place: { line: 2, column: 4 } });
    expect(report(error, new Map([[undefined, "(do\n  (foo))\n"]]))).toBe(
      "error[eval-error]: No such symbol.\n  at program:2:4\n  2 |   (foo))\n    |    ^\n",
    );
  });

  it("does not say a place twice, and leaves the line out where the file is gone", () => {
    const error = new CcosError("read-error", "a.rtfs:1:1 is wrong", { place: { file: "a.rtfs", line: 1, column: 1 } });
    expect(report(error)).toBe("error[read-error]: a.rtfs:1:1 is wrong\n");
  });

  it("cuts a line without end around its place", () => {
    const error = new CcosError("read-error", "wrong", { place: { line: 1, column: 5001 } });
    const lines = report(error, new Map([[undefined, `${"a".repeat(5000)}X${"b".repeat(5000)}`]])).split("\n");
    expect(lines[2]?.length).toBeLessThan(120);
    expect(lines[3]?.indexOf("^")).toBe(lines[2]?.indexOf("X"));
  });

  it("strips control characters of a server's text", () => {
    expect(report(new CcosError("rejected", "no\u001b[31m\u0007!"))).toBe("error[rejected]: no!\n");
  });

  it("takes anything thrown, and knows the exit code", () => {
    expect(report(new UsageError("bad", "do this"))).toBe("error[usage]: bad\n  do this\n");
    expect(report("text")).toContain("error[internal]: Unexpected failure: text");
    expect(
      [new UsageError("x"), new CcosError("read-error", ""), new CcosError("rejected", ""), new Error("x")].map(
        exitCodeOf,
      ),
    ).toEqual([2, 3, 1, 1]);
  });
});
