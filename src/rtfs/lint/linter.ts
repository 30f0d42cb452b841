import { didYouMean } from "../../kernel/index.ts";
import { isSpecialForm } from "../analyzer/special-forms.ts";
import { isStepForm } from "../analyzer/steps.ts";
import { isSymbol } from "../analyzer/scope.ts";
import { definedName } from "../analyzer/sequence.ts";
import type { Builtin } from "../evaluator/functions.ts";
import { arityText } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { mapKey } from "../form-values.ts";
import { isKnownName, knownNames } from "../known-names.ts";
import { findBuiltin } from "../library/index.ts";
import { parseAnnotationType } from "../types/index.ts";
import { Keyword } from "../values.ts";
import { LintScope, symbolsIn, type LintBinding } from "./names.ts";
import { SPECIAL_RULES } from "./special-rules.ts";
import { warningAt, type LintCode, type LintWarning } from "./warning.ts";

/** Special forms that a program may give a meaning of its own. */
const SOFT: ReadonlySet<string> = new Set(["cond", "when", "and", "or", "->", "->>", "get"]);

/** Follows the forms of a program as the analyzer does, and notes what is suspicious. Nothing is evaluated. */
export class Linter {
  readonly #warnings: LintWarning[] = [];
  /** Names that nothing bound where they were met: a definition may come later. */
  readonly #open: { readonly name: string; readonly form: Form; readonly scope: LintScope }[] = [];
  readonly #calls: {
    readonly builtin: Builtin;
    readonly written: string;
    readonly count: number;
    readonly form: Form;
    readonly scope: LintScope;
  }[] = [];
  readonly #watched: LintBinding[] = [];
  readonly #skipped: ReadonlySet<Form>;
  readonly globals: Set<string>;
  /** Modules that the program defines. */
  readonly modules = new Set<string>();
  readonly #macros = new Set<string>();
  /** Symbols in templates of macros and arguments of their calls: what becomes of them is not known here. */
  readonly #inMacros = new Set<string>();

  constructor(defined: Iterable<string>, skipped: ReadonlySet<Form>) {
    this.globals = new Set(defined);
    this.#skipped = skipped;
  }

  run(forms: readonly Form[]): LintWarning[] {
    const top = new LintScope(undefined);
    for (const name of definitionsOf(forms)) this.globals.add(name.name);
    this.walkAll(forms, top);
    this.#settleNames();
    this.#settleCalls();
    this.#settleBindings();
    return this.#warnings.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  }

  warn(form: Form, code: LintCode, message: string): void {
    this.#warnings.push(warningAt(form, code, message));
  }

  add(warnings: Iterable<LintWarning>): void {
    this.#warnings.push(...warnings);
  }

  walkAll(forms: readonly Form[], scope: LintScope): void {
    for (const form of forms) this.walk(form, scope);
  }

  walk(form: Form, scope: LintScope): void {
    if (this.#skipped.has(form)) return;
    switch (form.kind) {
      case "symbol":
        this.refer(form.name, form, scope);
        return;
      case "vector":
        this.walkAll(form.items, scope);
        return;
      case "map":
        for (const [, value] of form.entries) this.walk(value, scope);
        return;
      case "list":
        this.#walkList(form, scope);
        return;
      case "short-fn":
        this.#walkShortFunction(form, scope);
        return;
      case "quasiquote":
        this.#walkTemplate(form.form, 1, scope);
        return;
      case "annotated":
        this.#walkHints(form.annotation, scope);
        this.walk(form.form, scope);
        return;
      default:
    }
  }

  /** The forms of a body: what they define is known to all of them. */
  walkBody(forms: readonly Form[], scope: LintScope): void {
    if (!scope.isTop) {
      for (const name of definitionsOf(forms)) if (!scope.names.has(name.name)) scope.declare(name);
    }
    this.walkAll(forms, scope);
  }

  /** Notes that a name is used. */
  refer(name: string, form: Form, scope: LintScope): void {
    const binding = scope.find(name);
    if (binding !== undefined) binding.used = true;
    else if (name !== ":" && name !== "&") this.#open.push({ name, form, scope });
  }

  /** Notes that a name is used if it is bound; where it is not, that is no mistake. */
  mention(name: string, scope: LintScope): void {
    const binding = scope.find(name);
    if (binding !== undefined) binding.used = true;
  }

  define(name: FormOf<"symbol">, scope: LintScope): void {
    if (scope.isTop) this.globals.add(name.name);
    else if (!scope.names.has(name.name)) scope.declare(name);
  }

  /** Declares names that something must refer to. */
  watch(names: readonly FormOf<"symbol">[], scope: LintScope): void {
    for (const name of names) this.#watched.push(scope.declare(name, true));
  }

  /** Checks a type that a program declares. */
  checkType(type: Form | undefined): void {
    if (type === undefined) return;
    for (const { message, place } of parseAnnotationType(type).problems)
      this.#warnings.push({ code: "type", message, place });
  }

  defineMacro(name: string, template: readonly Form[]): void {
    this.#macros.add(name);
    for (const symbol of symbolsIn(template)) this.#inMacros.add(symbol);
  }

  #walkList(form: FormOf<"list">, scope: LintScope): void {
    const [head] = form.items;
    if (head === undefined) return;
    if (!isSymbol(head)) return this.#walkCall(form, form.items, scope);
    const { name } = head;
    const own = scope.find(name) !== undefined || this.globals.has(name) || this.#macros.has(name);
    const isSpecial = isSpecialForm(name) && !(SOFT.has(name) && own) && applies(name, form);
    if (isSpecial) return SPECIAL_RULES.get(name)?.(form, scope, this);
    if (scope.find(name) === undefined && this.#macros.has(name)) {
      for (const symbol of symbolsIn(form.items.slice(1))) {
        this.#inMacros.add(symbol);
        this.mention(symbol, scope);
      }
      return;
    }
    this.#walkCall(form, form.items, scope);
  }

  #walkCall(form: Form, items: readonly Form[], scope: LintScope): void {
    const [head, ...args] = items as readonly [Form, ...Form[]];
    if (isSymbol(head)) {
      const name = head.name.length > 1 && head.name.startsWith(".") ? head.name.slice(1) : head.name;
      this.refer(name, head, scope);
      const builtin = scope.find(name) === undefined ? findBuiltin(scope.globalName(name)) : undefined;
      if (builtin !== undefined) this.#calls.push({ builtin, written: name, count: args.length, form, scope });
      if (name === "context/set" && args[0] !== undefined) this.#noteContext(args[0]);
    } else {
      if (head.kind === "keyword" && (args.length === 0 || args.length > 2)) {
        this.warn(
          form,
          "wrong-arity",
          `:${head.name} as a function takes a map and perhaps a default; here it is given ${counted(args.length)}.`,
        );
      }
      this.walk(head, scope);
    }
    this.walkAll(args, scope);
  }

  /** A value that the program puts in its context can be read by its name alone. */
  #noteContext(key: Form): void {
    if (key.kind === "keyword" || key.kind === "symbol") this.globals.add(key.name);
    else if (key.kind === "string") this.globals.add(key.value);
    else if (key.kind === "quote") this.#noteContext(key.form);
  }

  #walkShortFunction(form: FormOf<"short-fn">, scope: LintScope): void {
    const inner = new LintScope(scope);
    const { source, start, end } = form;
    for (const name of symbolsIn(form.items)) {
      if (/^%\d{0,2}$/.test(name)) inner.declare({ kind: "symbol", source, start, end, name });
    }
    this.#walkList({ kind: "list", source, start, end, items: form.items }, inner);
  }

  /** Only what is unquoted in a template is evaluated. */
  #walkTemplate(form: Form, level: number, scope: LintScope): void {
    switch (form.kind) {
      case "unquote":
      case "unquote-splicing":
        if (level === 1) this.walk(form.form, scope);
        else this.#walkTemplate(form.form, level - 1, scope);
        return;
      case "quasiquote":
        this.#walkTemplate(form.form, level + 1, scope);
        return;
      case "quote":
        this.#walkTemplate(form.form, level, scope);
        return;
      case "list":
      case "vector":
      case "short-fn":
        for (const item of form.items) this.#walkTemplate(item, level, scope);
        return;
      case "map":
        for (const [, value] of form.entries) this.#walkTemplate(value, level, scope);
        return;
      default:
    }
  }

  /** Of metadata only hints for the host are evaluated. */
  #walkHints(annotation: Form, scope: LintScope): void {
    if (annotation.kind !== "map") return;
    for (const [key, value] of annotation.entries) {
      const name = mapKey(key);
      if ((name instanceof Keyword ? name.name : String(name)).startsWith("runtime.")) this.walk(value, scope);
    }
  }

  #settleNames(): void {
    for (const { name, form, scope } of this.#open) {
      const binding = scope.find(name);
      if (binding !== undefined) {
        binding.used = true;
        continue;
      }
      const global = scope.globalName(name);
      if (this.globals.has(global) || isKnownName(global) || this.#inMacros.has(name)) continue;
      // What a module in another file defines is not known here.
      const slash = global.indexOf("/");
      if (global !== name && slash > 0 && !this.modules.has(global.slice(0, slash))) continue;
      const hint = didYouMean(name, [...visibleNames(scope), ...this.globals, ...knownNames()]);
      this.warn(form, "unknown-name", `The name ${name} is not defined.${hint === "" ? "" : ` ${hint}`}`);
    }
  }

  #settleCalls(): void {
    for (const { builtin, written, count, form, scope } of this.#calls) {
      if (count >= builtin.min && count <= builtin.max) continue;
      if (
        scope.find(written) !== undefined ||
        this.globals.has(scope.globalName(written)) ||
        this.#inMacros.has(written)
      )
        continue;
      this.warn(form, "wrong-arity", `${written} takes ${takenBy(builtin)}; here it is given ${counted(count)}.`);
    }
  }

  #settleBindings(): void {
    for (const { form, used } of this.#watched) {
      const { name } = form;
      if (used || name.startsWith("_") || this.#inMacros.has(name)) continue;
      this.warn(form, "unused-binding", `The binding ${name} is never used. If that is meant, begin its name with _.`);
    }
  }
}

function applies(name: string, form: FormOf<"list">): boolean {
  if (name === "step") return isStepForm(form);
  if (name !== "get") return true;
  const [, key, extra] = form.items;
  return extra === undefined && (key?.kind === "keyword" || key?.kind === "symbol");
}

/** What forms at the top level, or in a body, define: also within `do`. */
function* definitionsOf(forms: readonly Form[]): IterableIterator<FormOf<"symbol">> {
  for (const form of forms) {
    if (form.kind !== "list") continue;
    const [head, target] = form.items;
    if (definedName(form) !== undefined) {
      const name = target?.kind === "annotated" ? target.form : target;
      if (isSymbol(name)) yield name;
    } else if (isSymbol(head) && head.name === "do") yield* definitionsOf(form.items.slice(1));
  }
}

function* visibleNames(from: LintScope): IterableIterator<string> {
  for (let scope: LintScope | undefined = from; scope !== undefined; scope = scope.outer) yield* scope.names.keys();
}

function takenBy({ min, max }: Builtin): string {
  const text = arityText(min, max);
  return `${text} ${text === "1" || text === "at least 1" ? "argument" : "arguments"}`;
}

function counted(count: number): string {
  return count === 0 ? "none" : String(count);
}
