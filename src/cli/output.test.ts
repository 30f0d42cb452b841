import { describe, expect, it } from "vitest";
import { createRedactor } from "../kernel/index.ts";
import { createOutput, type OutputOptions } from "./output.ts";

function outputTo(options: Partial<OutputOptions> & { isTTY?: boolean } = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const output = createOutput({
    stdout: { isTTY: options.isTTY, write: (text) => out.push(text) },
    stderr: { isTTY: options.isTTY, write: (text) => err.push(text) },
    env: {},
    ...options,
  });
  return { output, out: () => out.join(""), err: () => err.join("") };
}

describe("output", () => {
  it("keeps values on stdout and everything else on stderr", () => {
    const { output, out, err } = outputTo();
    output.value("3");
    output.note("a note");
    output.problem("a problem");
    expect(out()).toBe("3\n");
    expect(err()).toBe("a note\na problem\n");
  });

  it("shows what a program prints on stderr as it is, but for known secrets, and for controls on a terminal", () => {
    const redactor = createRedactor();
    redactor.add("own-secret-1");
    const texts = ["no line end", " \u001b[2J\u202eown-secret-1 Bearer abcdefgh12345678\n"];
    const print = (isTTY: boolean) => {
      const { output, out, err } = outputTo({ isTTY, quiet: true });
      output.guard(redactor);
      for (const text of texts) output.printed(text);
      expect(out()).toBe("");
      return err();
    };
    expect(print(false)).toBe("no line end \u001b[2J\u202e[redacted] Bearer abcdefgh12345678\n");
    expect(print(true)).toBe("no line end [redacted] Bearer abcdefgh12345678\n");
  });

  it("with --quiet drops notes and keeps problems", () => {
    const { output, err } = outputTo({ quiet: true });
    output.note("a note");
    output.problem("a problem");
    expect(err()).toBe("a problem\n");
  });

  it("blanks registered secrets everywhere, and guesses only outside data", () => {
    const { output, out, err } = outputTo();
    const redactor = createRedactor();
    redactor.add("own-secret-1");
    output.guard(redactor);
    output.value('"own-secret-1 https://a.b/?key=abc"');
    output.data({ message: "own-secret-1 https://a.b/?key=abc" });
    output.problem("own-secret-1 Bearer abcdefgh12345678");
    expect(out()).toBe('"[redacted] https://a.b/?key=abc"\n{"message":"[redacted] https://a.b/?key=[redacted]"}\n');
    expect(err()).toBe("[redacted] Bearer [redacted]\n");
  });

  it("cleans values for a terminal and leaves them as they are for a program", () => {
    const value = "\u009b2J\u202ereversed";
    const terminal = outputTo({ isTTY: true });
    terminal.output.value(value);
    expect(terminal.out()).toBe("2Jreversed\n");
    const pipe = outputTo();
    pipe.output.value(value);
    expect(pipe.out()).toBe(`${value}\n`);
  });

  it.each<[string, Partial<OutputOptions> & { isTTY?: boolean }, boolean]>([
    ["a terminal", { isTTY: true }, true],
    ["a pipe", {}, false],
    ["--no-color", { isTTY: true, color: false }, false],
    ["NO_COLOR", { isTTY: true, env: { NO_COLOR: "1" } }, false],
    ["an empty NO_COLOR", { isTTY: true, env: { NO_COLOR: "" } }, true],
    ["TERM=dumb", { isTTY: true, env: { TERM: "dumb" } }, false],
    ["FORCE_COLOR in a pipe", { env: { FORCE_COLOR: "1" } }, true],
  ])("%s decides on colour", (_what, options, coloured) => {
    const { output } = outputTo(options);
    expect(output.style("red", "x") !== "x").toBe(coloured);
    expect(output.coloured).toBe(coloured);
  });
});
