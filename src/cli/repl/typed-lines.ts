import { createInterface, type Interface } from "node:readline/promises";
import { CcosError } from "../../kernel/index.ts";
import type { CommandContext, Terminal } from "../command-context.ts";
import { complete } from "./completion.ts";
import { History, historyFile } from "./history.ts";
import { Repl } from "./repl.ts";

const PROMPT = "rtfs> ";
const CONTINUED = "  ... ";
const MOST_HISTORY = 1_000;

/** A dialogue at a terminal, until Ctrl-D, `:quit`, or a signal. */
export async function converse(context: CommandContext, { input, output }: Terminal): Promise<void> {
  const { options, env, cwd, signal, stdin } = context;
  const history = new History(historyFile(env));
  const lines = createInterface({
    input,
    output,
    terminal: true,
    history: await history.load(),
    historySize: MOST_HISTORY,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, repl.pending, repl),
  });
  // Spread, the getters of the context would be asked now.
  const around: CommandContext = {
    options,
    output: context.output,
    env,
    cwd,
    signal,
    stdin,
    ask: (question, cancel) => lines.question(question, { signal: cancel }),
    terminal: { input, output },
    watchSignals: () => context.watchSignals(),
  };
  const repl = new Repl(around, history);
  try {
    await converseOn(lines, repl, context);
  } finally {
    lines.close();
    await repl.close();
  }
}

function converseOn(lines: Interface, repl: Repl, { output, signal }: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    const waiting: string[] = [];
    let ended = false;
    let working = false;

    const prompt = (): void => {
      lines.setPrompt(repl.pending === "" ? PROMPT : CONTINUED);
      lines.prompt();
    };
    /** One line after the other: what is typed while a form is evaluated waits. */
    const work = async (): Promise<void> => {
      if (working) return;
      working = true;
      for (let line = waiting.shift(); line !== undefined && !repl.isOver; line = waiting.shift())
        await repl.take(line);
      working = false;
      if (ended || repl.isOver) resolve();
      else prompt();
    };
    const end = (): void => {
      ended = true;
      if (!working) resolve();
    };

    lines.on("line", (line: string) => {
      waiting.push(line);
      void work();
    });
    lines.on("SIGINT", () => {
      if (repl.isRunning) {
        waiting.length = 0;
        repl.cancel(new CcosError("canceled", "Canceled by Ctrl-C."));
        return;
      }
      const isEmpty = lines.line === "" && repl.pending === "";
      repl.drop();
      // What was typed stays to be seen, and a new line begins.
      output.problem(isEmpty ? "\nCtrl-D ends." : "");
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
      prompt();
    });
    lines.on("close", () => {
      // Ctrl-D while a form is evaluated ends it, too: nobody is left to see its value.
      repl.cancel(new CcosError("canceled", "The terminal was closed."));
      output.problem("");
      end();
    });
    signal.addEventListener("abort", end, { once: true });
    output.note("ccos repl: :help tells more, Ctrl-D ends.");
    prompt();
  });
}
