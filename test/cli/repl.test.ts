import { EventEmitter, once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { main } from "../../src/cli/program.ts";
import { createPlace, type Place } from "./ccos-process.ts";
import { startToolServer, toolFile, type ToolServer } from "./tool-server.ts";

let place: Place;
let server: ToolServer;
/** Tells of calls that are never answered. */
const hung = new EventEmitter();
beforeAll(async () => {
  place = await createPlace();
  server = await startToolServer({
    echo: (input) => ({ text: JSON.stringify(input) }),
    hang: () => {
      hung.emit("call");
      return "hang";
    },
  });
  await place.write({
    "caps/echo.rtfs": toolFile("acme.echo", server.url, { block: ':auth_env_var "ACME_TOKEN"' }),
    "caps/hang.rtfs": toolFile("acme.hang", server.url),
    "broken.config.json": "{",
  });
});
afterAll(async () => {
  await server.stop();
  await place.remove();
});

describe("without a terminal", () => {
  const pipe = (stdin: string, ...args: string[]) =>
    place.ccos(["repl", ...args], { stdin, env: { ACME_TOKEN: "token-of-a-test-1" } });

  test("each form's value is printed, and definitions stay", async () => {
    const { code, stdout, stderr } = await pipe(
      "(def x 5)\n(defn f [a]\n\n  (+ a x)) ; over lines\n(f 2)\n[*1 *2]\n{:a\n 1}",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("5\n#<function>\n7\n[7 #<function>]\n{:a 1}\n");
  });

  test("a mistake is told with its place, the rest is evaluated, and the exit code says so", async () => {
    const { code, stdout, stderr } = await pipe(
      "(def x 1)\n(defn f []\n  (nothing x))\n(f)\n)\n(getMessage *e)\n(+ x 1)\n(+ x",
    );
    expect(code).toBe(1);
    expect(stdout).toBe('1\n#<function>\n"Unexpected ): nothing is open here."\n2\n');
    expect(stderr).toMatch(
      /error\[eval-error\]: Undefined symbol: nothing[^\n]*\n {2}at input-2:2:4\n {2}2 \| {3}\(nothing x\)\)/,
    );
    expect(stderr).toMatch(/error\[read-error\]: Unexpected \)[\s\S]*error\[read-error\]: This \( is not closed/);
  });

  test("a name of the prelude may be defined anew", async () => {
    const { stdout, stderr } = await pipe('(println "a")\n(defn println [x] [:mine x])\n(println 1)\n');
    expect(stdout).toBe("nil\n#<function>\n[:mine 1]\n");
    expect(stderr).toBe("a\n");
  });

  test("what the context holds stays, too", async () => {
    expect((await pipe('(context/set "who" "ada")\n@who\n')).stdout).toBe('"ada"\n"ada"\n');
  });

  test("commands tell what a name does, of which type a value is, and how long it took", async () => {
    const { code, stdout, stderr } = await pipe(
      ":doc map\n:doc let\n:doc mapp\n(def mine 1)\n:doc mine\n:type {:a 1}\n:time (+ 1\n 2)\n:help\n:quit\n(never)",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\(map f coll\) {2}higher-order\n {2}A vector/);
    expect(stdout).toMatch(/\(let \[pattern value …\] body…\) {2}special form\n/);
    expect(stdout).toContain('Nothing is called mapp. Did you mean "map"');
    expect(stdout).toContain("mine is defined here.\nmap\n3\n");
    expect(stdout).toContain(":time FORM");
    expect(stderr).toMatch(/^[\d.]+ ms\n$/);
  });

  test("with --json each value is a line of JSON", async () => {
    expect((await pipe("{:a [1 2.0]}\nnil", "--json")).stdout).toBe('{"a":[1,2.0]}\nnull\n');
  });

  test("an environment is opened with the first call, and drained at the end", async () => {
    expect(await pipe("(+ 1 2)\n", "--config", "broken.config.json")).toMatchObject({
      code: 0,
      stdout: "3\n",
      stderr: "",
    });
    const before = server.count("DELETE");
    const { stdout, stderr } = await pipe(
      '(def a (call "acme.echo" {:n 1}))\n(call "acme.echo" {:n (inc (:n a))})\n',
      "--capabilities",
      "caps",
      "--verbose",
    );
    expect(stdout).toBe("{:n 1}\n{:n 2}\n");
    expect(stderr.match(/^opened/gm)).toHaveLength(1);
    expect(server.count("DELETE")).toBe(before + 1);
  });

  test("SIGINT ends it, and closes the sessions", async () => {
    const running = place.start(["repl", "--capabilities", "caps", "--verbose"], {
      stdin: '(call "acme.hang" {})\n(+ 1 2)\n',
    });
    await running.said("calling");
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 130, stdout: "" });
  });

  test("what is piped in is kept in no history", async () => {
    await pipe("(+ 1 2)\n");
    await expect(readFile(join(place.folder, ".home/.local/state/ccos/repl-history"))).rejects.toThrow("ENOENT");
  });
});

/** A terminal that a test types at and reads. */
class FakeTerminal {
  readonly input = Object.assign(new PassThrough(), { isTTY: true });
  /** Colours and cursor movements included. */
  everything = "";
  #shown = "";
  readonly #seen = new EventEmitter();
  readonly output = Object.assign(
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#show(chunk.toString());
        done();
      },
    }),
    { isTTY: true, columns: 60 },
  );
  readonly sink = { isTTY: true, write: (text: string) => this.#show(text) };
  readonly code: Promise<number>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { input, output, sink } = this;
    this.code = main(["repl", ...args], {
      stdin: input,
      ask: undefined,
      terminal: { input, output },
      stdout: sink,
      stderr: sink,
      env: { ...place.env, TERM: "xterm", ...env },
      cwd: place.folder,
      signals: { on: () => {}, off: () => {}, exit: () => {} },
    });
  }

  #show(text: string): void {
    this.everything += text;
    this.#shown += text;
    this.#seen.emit("text");
  }

  type(text: string): void {
    this.input.write(text);
  }

  /** Waits until the terminal shows this (colours aside) after what was waited for before. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const text = stripVTControlCharacters(this.#shown);
      const match = pattern.exec(text);
      if (match !== null) {
        this.#shown = text.slice(match.index + match[0].length);
        return text;
      }
      await new Promise((resolve) => this.#seen.once("text", resolve));
    }
  }

  /** Types a line and waits for the next prompt; gives what was shown. */
  async enter(line: string): Promise<string> {
    this.type(`${line}\r`);
    return this.until(/\n[^\n]*(?:rtfs>|\.\.\.) $/);
  }
}

describe("at a terminal", () => {
  let terminal: FakeTerminal;
  beforeEach(async () => {
    terminal = new FakeTerminal(["--capabilities", "caps"], { ACME_TOKEN: "token-of-a-test-1" });
    await terminal.until(/rtfs> $/);
  });

  async function leave(): Promise<void> {
    terminal.type("\u0004");
    expect(await terminal.code).toBe(0);
  }

  test("values are laid out for the width, in colours", async () => {
    terminal.type('(for [x (range 4)] {:number x :text "as long as it takes"})\r');
    const shown = await terminal.until(/takes"\}\]\n[^\n]*rtfs> $/);
    expect(shown).toContain('\n[{:number 0 :text "as long as it takes"}\n {:number 1 :text');
    expect(terminal.everything).toContain("\u001b[36m:number\u001b[39m \u001b[33m0\u001b[39m");
    await leave();
  });

  test("an input goes on while a form is open, with another prompt", async () => {
    expect(await terminal.enter("(+ 1")).toMatch(/\.\.\. $/);
    expect(await terminal.enter("2)")).toMatch(/\n3\n[^\n]*rtfs> $/);
    await leave();
  });

  test("Tab completes names, those defined here too, and the ids of capabilities", async () => {
    await terminal.enter("(def my-own-name 7)");
    terminal.type("my-ow");
    terminal.type("\t");
    await terminal.until(/my-own-name$/);
    expect(await terminal.enter("")).toMatch(/\n7\n/);
    terminal.type('(call "acme.e');
    terminal.type("\t");
    await terminal.until(/\(call "acme\.echo$/);
    expect(await terminal.enter('" {:n 3})')).toMatch(/\n\{:n 3\}\n/);
    await leave();
  });

  test("Ctrl-C cancels what runs, drops what is typed, and never ends the dialogue", async () => {
    const called = once(hung, "call");
    terminal.type('(call "acme.hang" {})\r');
    await called;
    terminal.type("\u0003");
    await terminal.until(/error\[canceled\]: Canceled by Ctrl-C\.\n[^\n]*rtfs> $/);
    terminal.type("(dotimes [i 1000000000] i)\r");
    terminal.type("\u0003");
    await terminal.until(/error\[canceled\][\s\S]*rtfs> $/);
    await terminal.enter("(let [x");
    terminal.type("\u0003");
    await terminal.until(/rtfs> $/);
    expect(await terminal.enter("(+ 20 3)")).toMatch(/\n23\n/);
    await leave();
  });

  test("Ctrl-D drains the environment, and the next time the lines are there", async () => {
    const closed = server.count("DELETE");
    await terminal.enter('(call "acme.echo" {:n 4})');
    await terminal.enter('(def secret "token-of-a-test-1")');
    await leave();
    expect(server.count("DELETE")).toBe(closed + 1);
    const kept = await readFile(join(place.folder, ".home/.local/state/ccos/repl-history"), "utf8");
    expect(kept).toMatch(/\(call "acme\.echo" \{:n 4\}\)\n$/);
    expect(kept).not.toContain("token-of-a-test-1");
    terminal = new FakeTerminal([]);
    await terminal.until(/rtfs> $/);
    terminal.type("\u001b[A");
    await terminal.until(/\(call "acme\.echo" \{:n 4\}\)$/);
    terminal.type("\u0003");
    await terminal.until(/rtfs> $/);
    await leave();
  });

  test(":quit ends it", async () => {
    terminal.type(":quit\r");
    expect(await terminal.code).toBe(0);
  });
});
