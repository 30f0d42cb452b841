import { specialForms } from "./analyzer/special-forms.ts";
import { TOPICS } from "./library/index.ts";

/** What help tells of a name that comes with the language. */
export interface Documentation {
  readonly name: string;
  /** How it is written, such as `(map f coll)`. */
  readonly usage: string;
  readonly doc: string;
  readonly aliases: readonly string[];
  /** The part of the library it belongs to, or `special form`. */
  readonly topic: string;
}

let byName: ReadonlyMap<string, readonly Documentation[]> | undefined;

/** The documentation of a name or alias: none, one, or two where a special form and a function share it. */
export function documentationOf(name: string): readonly Documentation[] {
  byName ??= collect();
  return byName.get(name) ?? [];
}

function collect(): Map<string, Documentation[]> {
  const found = new Map<string, Documentation[]>();
  const add = (entry: Documentation): void => {
    for (const name of [entry.name, ...entry.aliases]) found.set(name, [...(found.get(name) ?? []), entry]);
  };
  for (const { name, usage, doc } of specialForms()) add({ name, usage, doc, aliases: [], topic: "special form" });
  for (const [topic, declarations] of Object.entries(TOPICS)) {
    for (const { name, params, doc, aliases = [] } of declarations) {
      const inner = params.slice(1, -1);
      add({ name, usage: inner === "" ? `(${name})` : `(${name} ${inner})`, doc, aliases, topic });
    }
  }
  return found;
}
