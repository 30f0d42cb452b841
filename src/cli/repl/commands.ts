export const COMMANDS = [
  { name: ":doc", usage: ":doc NAME", doc: "what a function or special form does" },
  { name: ":type", usage: ":type FORM", doc: "the type of a form's value" },
  { name: ":time", usage: ":time FORM", doc: "a form's value, and how long it took" },
  { name: ":help", usage: ":help", doc: "this" },
  { name: ":quit", usage: ":quit", doc: "ends, as Ctrl-D does" },
] as const;

export type CommandName = (typeof COMMANDS)[number]["name"];

/** The command that an input is, and what follows it; undefined for forms. */
export function readCommand(text: string): { readonly name: CommandName; readonly rest: string } | undefined {
  const match = /^\s*(:[a-z]+)(?:\s+([\s\S]*))?$/.exec(text);
  const found = COMMANDS.find(({ name }) => name === match?.[1]);
  return found === undefined ? undefined : { name: found.name, rest: (match?.[2] ?? "").trim() };
}

/** What `:help` shows. */
export function helpLines(): string[] {
  const width = Math.max(...COMMANDS.map(({ usage }) => usage.length));
  return [
    "Type a form, on as many lines as it takes; its value is printed. Definitions stay.",
    ...COMMANDS.map(({ usage, doc }) => `  ${usage.padEnd(width)}  ${doc}`),
    '  *1 *2 *3 are the last values, *e is the last error. Tab completes names, and ids after (call ".',
    "  Ctrl-C cancels what runs, or drops what is typed; Ctrl-D ends.",
  ];
}
