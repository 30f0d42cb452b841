import type { CCOSEnvironment } from "../../environment.ts";
import { CcosError, toCcosError, type Redactor } from "../../kernel/index.ts";
import {
  compile,
  DEFAULT_LIMITS,
  readProgram,
  RtfsError,
  Workspace,
  type Host,
  type Limits,
  type Value,
} from "../../rtfs/index.ts";

const KEPT_SOURCES = 1_000;

/**
 * Evaluates one input after the other, with the definitions of all before. The environment, and with it the
 * capabilities, is opened when something is called for the first time.
 */
export class Evaluator {
  readonly #open: () => Promise<CCOSEnvironment>;
  readonly #workspace = new Workspace();
  readonly #context = new Map<string, Value>();
  readonly #sources = new Map<string | undefined, string>();
  /** The values of the inputs before, newest first, and the last error. */
  readonly #latest = new Map<string, Value>([
    ["*1", null],
    ["*2", null],
    ["*3", null],
    ["*e", null],
  ]);
  #environment: Promise<CCOSEnvironment> | undefined;
  #opened: CCOSEnvironment | undefined;
  #prelude: ReadonlyMap<string, Value> | undefined;
  #inputs = 0;

  constructor(open: () => Promise<CCOSEnvironment>) {
    this.#open = open;
  }

  /** The texts of the inputs, by the name that places in them give. */
  get sources(): ReadonlyMap<string | undefined, string> {
    return this.#sources;
  }

  /** The environment's, once there is one. */
  get limits(): Limits {
    return this.#opened?.limits ?? DEFAULT_LIMITS;
  }

  /** The environment's, once there is one. */
  get redactor(): Redactor | undefined {
    return this.#opened?.redactor;
  }

  /** What inputs defined so far, and the names of the values before. */
  names(): string[] {
    return [...this.#workspace.defined(), ...this.#latest.keys()];
  }

  async evaluate(text: string, signal: AbortSignal): Promise<Value> {
    const file = `input-${++this.#inputs}`;
    this.#sources.set(file, text);
    if (this.#sources.size > KEPT_SOURCES) this.#sources.delete(this.#sources.keys().next().value);
    try {
      const program = compile(readProgram(text, { file }), { workspace: this.#workspace });
      const bindings = await this.#bindings();
      const value = await program.run({ host: this.#createHost(signal), bindings, signal, limits: this.limits });
      this.#latest.set("*3", this.#latest.get("*2") as Value);
      this.#latest.set("*2", this.#latest.get("*1") as Value);
      this.#latest.set("*1", value);
      return value;
    } catch (error) {
      const { message, code, details } = toCcosError(error);
      const kind = details?.["kind"];
      this.#latest.set("*e", new RtfsError(message, typeof kind === "string" ? kind : code, null, error));
      throw error;
    }
  }

  /** The environment, opened if it is not. */
  environment(): Promise<CCOSEnvironment> {
    this.#environment ??= this.#open().then(
      (opened) => (this.#opened = opened),
      (error: unknown) => {
        // What was wrong (a file, a configuration) may be mended before the next call.
        this.#environment = undefined;
        throw error;
      },
    );
    return this.#environment;
  }

  /** Closes the environment; the next call opens another one. */
  async close(): Promise<void> {
    const closing = this.#environment;
    this.#environment = undefined;
    await closing?.then(
      (environment) => environment.close(),
      () => {},
    );
  }

  /** The functions that wrap calls, as long as no input defines their names anew. */
  async #bindings(): Promise<ReadonlyMap<string, Value>> {
    this.#prelude ??= (await import("../../environment.ts")).preludeBindings();
    const { names, globals } = this.#workspace;
    const bindings = new Map(this.#latest);
    for (const [name, value] of this.#prelude) {
      const index = names.find(name);
      if (index !== undefined && globals[index] === undefined) bindings.set(name, value);
    }
    return bindings;
  }

  #createHost(signal: AbortSignal): Host {
    let host: Promise<Host> | undefined;
    return {
      call: (id, args, hints) => {
        host ??= this.environment().then((environment) => environment.createHost({ signal }));
        return host.then((opened) => opened.call(id, args, hints));
      },
      context: (name) => this.#context.get(name),
      setContext: (name, value) => {
        if (this.#context.size >= 10_000 && !this.#context.has(name)) {
          throw new CcosError("invalid-argument", "The context holds 10000 names, the most it may.");
        }
        this.#context.set(name, value);
      },
    };
  }
}
