import type { Output } from "./output.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly capabilities?: readonly string[] | undefined;
  readonly config?: string | undefined;
  readonly store?: string | undefined;
  readonly json?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly color?: boolean | undefined;
}

/** A person's terminal, to be read line by line. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly columns?: number };
}

/** What a command is given: never `process` itself, so that a test can stand in for the world. */
export interface CommandContext {
  readonly options: GlobalOptions;
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Asks the person at the terminal; undefined where there is none (stdin and stderr are both terminals, or it is nobody). */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
  /** Undefined where stdin or stdout is none. */
  readonly terminal?: Terminal | undefined;
  /** Aborts at Ctrl-C or SIGTERM; from then on the command ends and drains. */
  readonly signal: AbortSignal;
  /** From now on Ctrl-C is a cancellation. A command that holds nothing to drain never calls this, and Ctrl-C just ends it. */
  watchSignals(): void;
}

/** Runs a command and says the exit code. */
export type Command<Arguments> = (args: Arguments, context: CommandContext) => Promise<number>;

export const EXIT = { done: 0, failed: 1, usage: 2, badFile: 3 } as const;
