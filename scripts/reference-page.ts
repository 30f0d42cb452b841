import { specialForms, TOPICS, type BuiltinDeclaration } from "../src/rtfs/index.ts";

const TITLES: Readonly<Record<keyof typeof TOPICS, string>> = {
  arithmetic: "Numbers, comparison, logic",
  strings: "Texts",
  collections: "Collections",
  "higher-order": "Functions over collections",
  sorting: "Sorting",
  predicates: "What a value is",
  json: "JSON",
  control: "Errors and the rest",
  host: "The host",
};

/** The reference of the language, from what its functions and forms say of themselves. */
export function referencePage(): string {
  const forms = specialForms().map(({ usage, doc }) => `- \`${usage}\` — ${doc}`);
  const topics = Object.entries(TOPICS).flatMap(([topic, declarations]) => [
    `## ${TITLES[topic as keyof typeof TOPICS]}`,
    declarations.map(entry).join("\n"),
  ]);
  return `${[
    "# Reference of RTFS",
    "Every special form and every function of the library. `npm run docs` writes this page from the code, and `:doc NAME` in `ccos repl` shows the same. [language.md](language.md) is the tour.",
    "A parameter with `?` may be left out; `& rest` takes any number. Where a function takes a function, a keyword will do.",
    "## Special forms",
    forms.join("\n"),
    ...topics,
  ].join("\n\n")}\n`;
}

function entry({ name, aliases = [], params, doc }: BuiltinDeclaration): string {
  const inner = params.slice(1, -1);
  const others = aliases.length === 0 ? "" : ` Also ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
  return `- \`(${inner === "" ? name : `${name} ${inner}`})\` — ${doc}${others}`;
}
