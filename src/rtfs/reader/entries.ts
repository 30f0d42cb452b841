import type { Form } from "../forms.ts";
import type { Source } from "../source.ts";
import { readError } from "./read-error.ts";

/** The keys and values of a map, from the forms between its braces. Throws `read-error` where they do not pair. */
export function entriesOf(source: Source, items: readonly Form[]): [Form, Form][] {
  const entries = new Array<[Form, Form]>(items.length >> 1);
  let count = 0;
  for (let index = 0; index < items.length; index += 2) {
    let key = items[index] as Form;
    const last = entries[count - 1];
    if (key.kind === "symbol" && key.name === "?" && last !== undefined) {
      // In a compact record type, `{:k T ?}`, the mark after a type makes its key optional.
      last[1] = optionalType(last[1], key);
      if (++index === items.length) break;
      key = items[index] as Form;
    }
    const value = items[index + 1];
    if (key.kind !== "keyword" && key.kind !== "string" && key.kind !== "integer") {
      // `{:a 1 & rest}` and `{name :key}` are patterns; the analyzer refuses them where a value is meant.
      if (key.kind !== "symbol" || key.name === ":") {
        throw readError(source, key.start, "This cannot be the key of a map.", {
          expected: "a keyword, a string or an integer",
          remedy: key.kind === "symbol" ? 'Write {"key" value}, without a colon between.' : undefined,
          end: key.end,
        });
      }
    }
    if (value === undefined) {
      throw readError(source, key.start, "This key has no value: a map needs an even number of forms.", {
        expected: "a value",
        end: key.end,
      });
    }
    if (value.kind === "symbol" && value.name === ":") {
      throw readError(source, value.start, "No colon stands between a key and its value.", {
        expected: "a value",
        remedy: 'Write {"key" value}, or {:key value}.',
      });
    }
    entries[count++] = [key, value];
  }
  entries.length = count;
  return entries;
}

function optionalType(type: Form, mark: Form): Form {
  const { source, start } = type;
  const head: Form = { kind: "keyword", source, start: mark.start, end: mark.end, name: "optional" };
  return { kind: "vector", source, start, end: mark.end, items: [head, type] };
}
