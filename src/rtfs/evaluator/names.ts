import type { Form } from "../forms.ts";

/** A macro: a form in which its parameters stand for the forms of the arguments. */
export interface Macro {
  readonly name: string;
  readonly params: readonly string[];
  readonly rest: string | undefined;
  readonly body: Form;
}

/** The names that the forms of a program (or of a REPL, line after line) have in common. */
export class GlobalNames {
  readonly #indexes = new Map<string, number>();
  readonly macros = new Map<string, Macro>();
  /** Names that some top-level form defines, whether it has been evaluated or not. */
  readonly defined = new Set<string>();

  /** Modules that forms define, or that an import has loaded. */
  readonly modules = new Set<string>();

  /** Where the value of this name is found; a new place for a new name. */
  index(name: string): number {
    let index = this.#indexes.get(name);
    if (index === undefined) this.#indexes.set(name, (index = this.#indexes.size));
    return index;
  }

  /** Undefined where no form mentions the name. */
  find(name: string): number | undefined {
    return this.#indexes.get(name);
  }

  get count(): number {
    return this.#indexes.size;
  }
}
