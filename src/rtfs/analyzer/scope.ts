import type { Node } from "../evaluator/machine.ts";
import type { GlobalNames } from "../evaluator/names.ts";
import type { Form } from "../forms.ts";
import type { Source } from "../source.ts";
import { readError } from "../reader/read-error.ts";

/** A name bound to a slot of a frame. */
export interface Binding {
  readonly slot: number;
  readonly fn: FrameLayout;
  /**
   * The slot may still be empty when it is read (a function bound later in the same `let`, a `def` in a
   * branch): then the name means what it meant outside.
   */
  late: boolean;
}

/** How many slots the frames of one function (or of one body that runs repeatedly) have. */
export class FrameLayout {
  readonly outer: FrameLayout | undefined;
  slots = 0;
  /** How deep the form being analysed is nested, and how deep any form was. */
  nesting = 0;
  deepest = 0;

  /** The nesting of the form that the frames belong to. */
  readonly base: number;

  constructor(outer: FrameLayout | undefined) {
    this.outer = outer;
    this.base = outer === undefined ? 0 : outer.base + outer.nesting;
  }

  /** The index of a new slot in the frame; the first two items are the outer frame and the globals. */
  addSlot(): number {
    return 2 + this.slots++;
  }
}

/** The text of a module by its name; undefined where there is none. `from` is the importing file. */
export type LoadModule = (name: string, from: string | undefined) => Source | undefined;

/** What the analysis of one text has in common. */
export interface Unit {
  readonly names: GlobalNames;
  readonly analyze: (form: Form, scope: Scope) => Node;
  /** Finds the text of a module that no form defines; undefined where imports cannot load files. */
  readonly loadModule: LoadModule | undefined;
  /** The modules being loaded, outermost first, to refuse cycles. */
  readonly loading: readonly string[];
  /** Forms that macros may still build; so that a few lines of macros cannot fill the memory. */
  expansionsLeft: number;
}

// Recursion of the analyzer over macro results, which no reader has bounded.
const DEEPEST_ANALYSIS = 1200;

/** The names visible at a form. */
export class Scope {
  readonly unit: Unit;
  readonly fn: FrameLayout;
  readonly outer: Scope | undefined;
  readonly names = new Map<string, Binding>();
  /** What an `import` calls by another name here: a name, or the part of one before its slash. */
  aliases: Map<string, string> | undefined;

  constructor(unit: Unit, fn: FrameLayout, outer: Scope | undefined) {
    this.unit = unit;
    this.fn = fn;
    this.outer = outer;
  }

  /** Definitions here are global. */
  get isTop(): boolean {
    return this.outer === undefined;
  }

  analyze(form: Form): Node {
    const { fn } = this;
    if (++fn.nesting > fn.deepest) fn.deepest = fn.nesting;
    if (fn.base + fn.nesting > DEEPEST_ANALYSIS) {
      throw syntaxError(form, "Forms nest too deep, perhaps by a macro that expands to itself.");
    }
    const node = this.unit.analyze(form, this);
    fn.nesting--;
    return node;
  }

  /** A scope within this one whose names live in the same frame. */
  block(): Scope {
    return new Scope(this.unit, this.fn, this);
  }

  /** A scope whose names live in frames of their own, made when its code runs. */
  frame(): Scope {
    const fn = new FrameLayout(this.fn);
    fn.nesting = 1;
    return new Scope(this.unit, fn, this);
  }

  /** The name of the global that a name means which nothing in scope binds. */
  globalName(name: string): string {
    const slash = name.indexOf("/");
    const prefix = slash > 0 ? name.slice(0, slash) : undefined;
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.outer) {
      const whole = scope.aliases?.get(name);
      if (whole !== undefined) return whole;
      const module = prefix === undefined ? undefined : scope.aliases?.get(`${prefix}/`);
      if (module !== undefined) return module + name.slice(slash + 1);
    }
    return name;
  }

  declare(name: string, late = false): Binding {
    const binding: Binding = { slot: this.fn.addSlot(), fn: this.fn, late };
    this.names.set(name, binding);
    return binding;
  }

  find(name: string): { readonly binding: Binding; readonly hops: number; readonly scope: Scope } | undefined {
    let hops = 0;
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.outer) {
      const binding = scope.names.get(name);
      if (binding !== undefined) return { binding, hops, scope };
      if (scope.outer !== undefined && scope.outer.fn !== scope.fn) hops++;
    }
    return undefined;
  }
}

/** A mistake in the shape of a form, at the form. */
export function syntaxError(form: Form, message: string, expected?: string, remedy?: string): Error {
  return readError(form.source, form.start, message, { expected, remedy, end: form.end });
}

export function isSymbol(form: Form | undefined): form is Extract<Form, { kind: "symbol" }> {
  return form?.kind === "symbol";
}

/** Whether a form is the symbol of this name. */
export function isNamed(form: Form | undefined, name: string): boolean {
  return form?.kind === "symbol" && form.name === name;
}
