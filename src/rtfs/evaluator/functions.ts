import type { Form } from "../forms.ts";
import { RtfsFunction, type Value } from "../values.ts";
import type { Frame, Node } from "./machine.ts";

/** What all closures of one `fn` form share. Filled in by the analyzer when the body is known. */
export class Code {
  name: string | undefined;
  readonly form: Form;
  /** The number of parameters when they are plain names, all required; else -1, and `bind` does the work. */
  plain = -1;
  required = 0;
  variadic = false;
  /** Slots of a frame beyond those of plain parameters. */
  extra = 0;
  body: Node;
  /** How deep the body's nodes nest: what a call needs of the JavaScript stack. */
  weight = 0;
  bind: ((frame: Frame, args: readonly Value[]) => void) | undefined;
  /** Checks the value returned against the declared type. */
  check: ((value: Value) => void) | undefined;

  constructor(form: Form, name: string | undefined) {
    this.form = form;
    this.name = name;
    this.body = () => null;
  }
}

/** A function of a program: code, and the frame it was made in. */
export class Closure extends RtfsFunction {
  readonly code: Code;
  readonly frame: Frame;

  constructor(code: Code, frame: Frame) {
    super();
    this.code = code;
    this.frame = frame;
  }

  get name(): string | undefined {
    return this.code.name;
  }
}

export type BuiltinBody = (...args: Value[]) => Value;

/** A function of the library, declared as data, so that help, docs and tests can list it. */
export interface BuiltinDeclaration {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** The parameters as help shows them, such as `[f coll]`. */
  readonly params: string;
  readonly doc: string;
  /** Fewest and most arguments; the most is `Infinity` for a variadic function. */
  readonly arity: readonly [min: number, max: number];
  /** Positional arguments, an optional one undefined. May return `SUSPEND` where it calls a function it was given. */
  readonly fn: (...args: never[]) => Value;
}

export class Builtin extends RtfsFunction {
  readonly name: string;
  readonly declaration: BuiltinDeclaration;
  readonly min: number;
  readonly max: number;
  readonly fn: BuiltinBody;

  constructor(declaration: BuiltinDeclaration) {
    super();
    this.name = declaration.name;
    this.declaration = declaration;
    [this.min, this.max] = declaration.arity;
    this.fn = declaration.fn as unknown as BuiltinBody;
  }
}
