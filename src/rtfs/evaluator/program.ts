import { systemClock, type Clock } from "../../kernel/index.ts";
import { analyze } from "../analyzer/analyze.ts";
import { MOST_EXPANDED_FORMS } from "../analyzer/macros.ts";
import { FrameLayout, Scope, syntaxError, type LoadModule, type Unit } from "../analyzer/scope.ts";
import { noteDefinitions, sequence } from "../analyzer/sequence.ts";
import type { Form } from "../forms.ts";
import { DEFAULT_LIMITS, type Host, type Limits } from "../host.ts";
import { readProgram } from "../reader/reader.ts";
import type { Value } from "../values.ts";
import { Closure } from "./functions.ts";
import { apply } from "./invoke.ts";
import type { Frame, Globals, Node } from "./machine.ts";
import { GlobalNames } from "./names.ts";
import { Run } from "./run.ts";

const SLICE_MS = 10;

export interface EvaluateOptions {
  /** Without one a program can compute and nothing else. */
  readonly host?: Host | undefined;
  /** Globals the program finds defined, such as `input`. */
  readonly bindings?: ReadonlyMap<string, Value> | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Ends the run when it aborts, where evaluation next waits or yields. */
  readonly signal?: AbortSignal | undefined;
  /** Measures the time limit and the slices. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** The kind named in `(catch Kind e …)` selects, instead of catching everything. Default false. */
  readonly strictCatch?: boolean | undefined;
  /**
   * How long evaluation may hold the event loop before it lets others run, in milliseconds; from then on
   * the result is a promise. Default 10; `Infinity` never yields.
   */
  readonly sliceMs?: number | undefined;
}

/** Definitions that several programs share, one after the other: a REPL's. */
export class Workspace {
  readonly names = new GlobalNames();
  readonly globals: Globals = [];

  /** The names that programs defined so far, macros among them. */
  defined(): string[] {
    return [...this.names.defined, ...this.names.macros.keys()];
  }
}

export interface CompileOptions {
  readonly workspace?: Workspace | undefined;
  /** Finds the text of a module that is imported and not defined in the program. Default: there is none. */
  readonly loadModule?: LoadModule | undefined;
}

/** Forms, analysed once, to be run any number of times. */
export class Program {
  readonly #node: Node;
  readonly #names: GlobalNames;
  readonly #workspace: Workspace | undefined;
  readonly #layout: FrameLayout;

  constructor(forms: readonly Form[], options: CompileOptions = {}) {
    const { workspace } = options;
    this.#workspace = workspace;
    this.#names = workspace?.names ?? new GlobalNames();
    this.#layout = new FrameLayout(undefined);
    const unit: Unit = {
      names: this.#names,
      analyze,
      loadModule: options.loadModule,
      loading: [],
      expansionsLeft: MOST_EXPANDED_FORMS,
    };
    const scope = new Scope(unit, this.#layout, undefined);
    noteDefinitions(forms, scope);
    this.#node = sequence(forms.map((form) => analyzeTop(form, scope)));
  }

  /**
   * The value of the last form: at once where nothing had to be waited for, else a promise of it.
   * Throws (or rejects with) `eval-error`, `interrupted`, `canceled`, or the error of a failed host call.
   */
  run(options: EvaluateOptions = {}): Value | Promise<Value> {
    const globals: Globals = this.#workspace?.globals ?? [];
    const names = this.#names;
    while (globals.length < names.count) globals.push(undefined);
    for (const [name, value] of options.bindings ?? []) {
      const index = names.find(name);
      if (index !== undefined) globals[index] = value;
    }
    const frame: Frame = [null, globals];
    for (let slot = 0; slot < this.#layout.slots; slot++) frame.push(undefined);
    return startRun(options, names, globals, () => this.#node(frame));
  }
}

/** The reader bounds nesting for a stack of usual size; a caller that has used most of it gets an error too. */
function analyzeTop(form: Form, scope: Scope): Node {
  try {
    return scope.analyze(form);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw syntaxError(form, "This form nests too deep for the stack that is left in this process.");
  }
}

function startRun(
  options: EvaluateOptions,
  names: GlobalNames,
  globals: Globals,
  begin: () => Value,
): Value | Promise<Value> {
  const run = new Run({
    host: options.host,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    signal: options.signal,
    clock: options.clock ?? systemClock,
    strictCatch: options.strictCatch ?? false,
    sliceMs: options.sliceMs ?? SLICE_MS,
    names,
    globals,
  });
  return run.start(begin);
}

/** Analyses forms. Throws `read-error` where one has a wrong shape. */
export function compile(forms: readonly Form[], options: CompileOptions = {}): Program {
  return new Program(forms, options);
}

/** Reads, analyses and runs a text. */
export function evaluate(
  text: string,
  options: EvaluateOptions & CompileOptions & { readonly file?: string | undefined } = {},
): Value | Promise<Value> {
  const forms = readProgram(text, { file: options.file });
  return compile(forms, options).run(options);
}

const NO_NAMES = new GlobalNames();

/** Calls a function that an earlier evaluation gave, under limits and with a host of its own. */
export function callFunction(fn: Value, args: readonly Value[], options: EvaluateOptions = {}): Value | Promise<Value> {
  const globals = fn instanceof Closure ? fn.frame[1] : [];
  return startRun(options, NO_NAMES, globals, () => apply(fn, args, fn instanceof Closure ? fn.code.form : undefined));
}
