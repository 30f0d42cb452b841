import { didYouMean } from "../../kernel/index.ts";
import {
  documentationOf,
  isUnfinished,
  knownNames,
  print,
  toJsonText,
  typeName,
  type Value,
} from "../../rtfs/index.ts";
import { EXIT, type CommandContext } from "../command-context.ts";
import { reportError } from "../error-report.ts";
import { exitCodeOf } from "../exit-code.ts";
import { offerTrust } from "../offer-trust.ts";
import { openEnvironment } from "../open-environment.ts";
import { helpLines, readCommand, type CommandName } from "./commands.ts";
import type { Completable } from "./completion.ts";
import { Evaluator } from "./evaluator.ts";
import { highlight } from "./highlight.ts";
import type { History } from "./history.ts";

/** What to do with the lines typed; how they are read, and from where, is not known here. */
export class Repl implements Completable {
  readonly #context: CommandContext;
  readonly #evaluator: Evaluator;
  readonly #history: History | undefined;
  #lines: string[] = [];
  #running: AbortController | undefined;
  #quit = false;
  #failure: number = EXIT.done;

  /** @param history keeps the lines, where a person types them */
  constructor(context: CommandContext, history?: History) {
    this.#context = context;
    this.#evaluator = new Evaluator(() => openEnvironment(context));
    this.#history = history;
  }

  /** Lines of an input that is not finished. */
  get pending(): string {
    return this.#lines.join("\n");
  }

  get isOver(): boolean {
    return this.#quit || this.#context.signal.aborted;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The exit code of the first input that failed; 0 where none did. */
  get failure(): number {
    return this.#failure;
  }

  names(): readonly string[] {
    return this.#evaluator.names();
  }

  async capabilityIds(prefix: string): Promise<readonly string[]> {
    try {
      const { capabilities } = await this.#evaluator.environment();
      return capabilities
        .list(prefix.startsWith("ccos.") ? prefix : undefined)
        .map(({ id }) => id)
        .filter((id) => id.startsWith(prefix));
    } catch {
      // What is wrong is told when something is called.
      return [];
    }
  }

  /** Takes a line; evaluates when it ends an input. */
  async take(line: string): Promise<void> {
    this.#lines.push(line);
    const text = this.pending;
    const command = readCommand(text);
    if (isUnfinished(command === undefined ? text : command.rest)) return;
    await this.finish();
  }

  /** Evaluates what there is, finished or not. */
  async finish(): Promise<void> {
    const lines = this.#lines;
    const text = this.pending;
    this.#lines = [];
    if (text.trim() === "" || this.isOver) return;
    const controller = new AbortController();
    this.#running = controller;
    try {
      await this.#answer(text, AbortSignal.any([controller.signal, this.#context.signal]));
    } catch (error) {
      if (this.#failure === EXIT.done) this.#failure = exitCodeOf(error);
      await this.#report(error);
    } finally {
      this.#running = undefined;
    }
    await this.#history?.add(lines, this.#evaluator.redactor);
  }

  /** Ends what runs, if anything does. */
  cancel(reason: unknown): void {
    this.#running?.abort(reason);
  }

  /** Forgets the lines of an input that is not finished. */
  drop(): void {
    this.#lines = [];
  }

  async close(): Promise<void> {
    const { redactor } = this.#evaluator;
    await this.#evaluator.close();
    await this.#history?.close(redactor);
  }

  async #answer(text: string, signal: AbortSignal): Promise<void> {
    const command = readCommand(text);
    if (command === undefined) this.#show(await this.#evaluator.evaluate(text, signal));
    else await this.#obey(command.name, command.rest, signal);
  }

  async #obey(name: CommandName, rest: string, signal: AbortSignal): Promise<void> {
    const { output } = this.#context;
    switch (name) {
      case ":quit":
        this.#quit = true;
        return;
      case ":help":
        for (const line of helpLines()) output.text(line);
        return;
      case ":doc":
        this.#document(rest);
        return;
      case ":type":
        output.text(typeName(await this.#evaluator.evaluate(rest, signal)));
        return;
      case ":time": {
        const start = performance.now();
        const value = await this.#evaluator.evaluate(rest, signal);
        const ms = performance.now() - start;
        this.#show(value);
        output.note(`${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`);
      }
    }
  }

  #document(name: string): void {
    const { output } = this.#context;
    const entries = documentationOf(name);
    for (const { usage, doc, topic, aliases, name: own } of entries) {
      output.text(`${output.styleValue("bold", usage)}  ${output.styleValue("dim", topic)}`);
      output.text(`  ${doc}`);
      const others = [own, ...aliases].filter((other) => other !== name);
      if (others.length > 0) output.text(`  Also: ${others.join(", ")}`);
    }
    if (entries.length > 0) return;
    const shown = output.styleValue([], name.slice(0, 200));
    if (this.#evaluator.names().includes(name)) output.text(`${shown} is defined here.`);
    else if (name === "") output.text(":doc NAME tells what a function or special form does.");
    else
      output.text(
        `Nothing is called ${shown}. ${didYouMean(name, [...knownNames(), ...this.#evaluator.names()])}`.trimEnd(),
      );
  }

  #show(value: Value): void {
    const { output, options, terminal } = this.#context;
    const maxLength = this.#evaluator.limits.maxOutputSize;
    if (options.json === true) output.value(toJsonText(value, { maxLength }));
    else if (terminal === undefined) output.value(print(value, { maxLength }));
    else output.value(print(value, { pretty: true, width: terminal.output.columns || 80, maxLength }), highlight);
  }

  async #report(error: unknown): Promise<void> {
    const { output, cwd } = this.#context;
    if (await offerTrust(error, this.#context)) {
      // What was read before it was trusted is read anew.
      await this.#evaluator.close();
      output.problem("It is trusted now. Evaluate the form again.");
      return;
    }
    reportError(error, output, { cwd, sources: this.#evaluator.sources });
  }
}
