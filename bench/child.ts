import { fork, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Which of two cores a process is kept on, where the system can do that. */
export type Core = "client" | "server";

const CORES: Record<Core, string> = { server: "0", client: "1" };
const TASKSET = "/usr/bin/taskset";
export const canPin = process.platform === "linux" && existsSync(TASKSET);

export interface ChildOptions {
  readonly core?: Core;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A module of this folder in a process of its own, which prints nothing and ends with this one. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #asides = new Set<string>();

  constructor(file: string, args: readonly string[] = [], options: ChildOptions = {}) {
    const { core, execArgv = [], env = {} } = options;
    const pinned = core !== undefined && canPin;
    const node = [...execArgv, "--disable-warning=ExperimentalWarning"];
    this.#process = fork(join(import.meta.dirname, file), args, {
      // Some peers print a line a call; nobody reads it, and it is theirs to pay for.
      stdio: ["ignore", "ignore", process.env["BENCH_VERBOSE"] ? "inherit" : "ignore", "ipc"],
      env: { ...process.env, ...env },
      ...(pinned
        ? { execPath: TASKSET, execArgv: ["-c", CORES[core], process.execPath, ...node] }
        : { execArgv: node }),
    });
  }

  send(message: object): void {
    this.#process.send(message);
  }

  /** The next message of the child. Rejects when the child ends first. */
  next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`A process of the bench ended with ${code} before it answered.`));
      const onMessage = (message: object): void => {
        if ([...this.#asides].some((kind) => kind in message)) return;
        this.#process.off("exit", onExit);
        this.#process.off("message", onMessage);
        resolve(message as T);
      };
      this.#process.once("exit", onExit);
      this.#process.on("message", onMessage);
    });
  }

  /** Hears messages of one kind, known by the name of a property. They are no answers to `next`. */
  on<T extends object>(kind: keyof T & string, listener: (message: T) => void): void {
    this.#process.on("message", (message: object) => {
      if (kind in message) listener(message as T);
    });
    this.#asides.add(kind);
  }

  async ask<T>(message: object): Promise<T> {
    const answer = this.next<T>();
    this.send(message);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await exited;
  }
}
