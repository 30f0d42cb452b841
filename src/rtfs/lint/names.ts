import type { Form, FormOf } from "../forms.ts";

/** A name bound in a program. */
export interface LintBinding {
  readonly form: FormOf<"symbol">;
  /** It is a mistake if nothing refers to it. */
  readonly watched: boolean;
  used: boolean;
}

/** The names that forms see, as the analyzer's scopes hold them. */
export class LintScope {
  readonly outer: LintScope | undefined;
  readonly names = new Map<string, LintBinding>();
  /** What an import calls by another name here; `alias/` stands for a whole module. */
  aliases: Map<string, string> | undefined;

  constructor(outer: LintScope | undefined) {
    this.outer = outer;
  }

  /** Definitions here are global. */
  get isTop(): boolean {
    return this.outer === undefined;
  }

  declare(form: FormOf<"symbol">, watched = false): LintBinding {
    const binding = { form, watched, used: false };
    this.names.set(form.name, binding);
    return binding;
  }

  find(name: string): LintBinding | undefined {
    for (let scope: LintScope | undefined = this; scope !== undefined; scope = scope.outer) {
      const binding = scope.names.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  /** The global that a name means which nothing in scope binds. */
  globalName(name: string): string {
    const slash = name.indexOf("/");
    for (let scope: LintScope | undefined = this; scope !== undefined; scope = scope.outer) {
      const whole = scope.aliases?.get(name);
      if (whole !== undefined) return whole;
      const module = slash > 0 ? scope.aliases?.get(name.slice(0, slash + 1)) : undefined;
      if (module !== undefined) return module + name.slice(slash + 1);
    }
    return name;
  }
}

/** Every symbol in these forms, whatever it stands for. */
export function* symbolsIn(forms: readonly Form[]): IterableIterator<string> {
  const todo: Form[] = [...forms];
  for (let form = todo.pop(); form !== undefined; form = todo.pop()) {
    switch (form.kind) {
      case "symbol":
        yield form.name;
        break;
      case "list":
      case "vector":
      case "short-fn":
        for (const item of form.items) todo.push(item);
        break;
      case "map":
        for (const [key, value] of form.entries) todo.push(key, value);
        break;
      case "annotated":
        todo.push(form.annotation, form.form);
        break;
      case "quote":
      case "quasiquote":
      case "unquote":
      case "unquote-splicing":
        todo.push(form.form);
        break;
      default:
    }
  }
}
