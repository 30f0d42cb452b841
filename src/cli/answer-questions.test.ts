import { describe, expect, it } from "vitest";
import type { Answer, Asker, FormField, Question } from "../kernel/index.ts";
import { answersAtTerminal } from "./answer-questions.ts";
import type { CommandContext } from "./command-context.ts";
import { createOutput } from "./output.ts";

const ASKER: Asker = {
  provider: "line",
  endpoint: "https://a.example/",
  capabilityId: "line.deploy",
  signal: new AbortController().signal,
};
const FIELDS: readonly FormField[] = [
  { name: "name", label: "Your name", required: true, type: "text", least: 2 },
  { name: "age", label: "Age", required: false, type: "integer" },
  { name: "sure", label: "Sure", required: false, type: "boolean", default: false },
  {
    name: "size",
    label: "Size",
    required: true,
    type: "choice",
    choices: [
      { value: "s", label: "small" },
      { value: "l", label: "large" },
    ],
  },
  {
    name: "tags",
    label: "Tags",
    required: false,
    type: "choices",
    choices: [
      { value: "a", label: "a" },
      { value: "b", label: "b" },
    ],
  },
];
const FORM: Question = { kind: "form", message: "Who are you?", fields: FIELDS };

/** A person who types these lines; what was shown; and what came of it. */
async function answered(question: Question, lines: readonly string[]): Promise<{ answer: Answer; shown: string }> {
  let shown = "";
  const typed = [...lines];
  const context = {
    ask: (prompt: string) => {
      shown += prompt;
      const line = typed.shift();
      return line === undefined ? Promise.reject(new Error(`nothing typed at ${prompt}`)) : Promise.resolve(line);
    },
    options: {},
    output: createOutput({
      stdout: { write: () => true },
      stderr: { write: (text: string) => ((shown += text), true) },
      env: {},
    }),
    signal: new AbortController().signal,
  } as unknown as CommandContext;
  const answer = await answersAtTerminal(context)?.elicit?.(question, ASKER);
  expect(typed).toEqual([]);
  return { answer: answer as Answer, shown };
}

describe("a form at the terminal", () => {
  it("is filled in field by field, shown, and sent", async () => {
    const { answer, shown } = await answered(FORM, ["y", "Ada", "36", "yes", "large", "b, a", ""]);
    expect(answer).toEqual({
      action: "accept",
      content: { name: "Ada", age: 36, sure: true, size: "l", tags: ["b", "a"] },
    });
    expect(shown).toContain("https://a.example/ asks, for line.deploy:\n  Who are you?");
    expect(shown).toContain('Your name: "Ada"');
  });

  it("takes defaults, leaves out what is not needed, and asks again for what does not fit", async () => {
    const { answer, shown } = await answered(FORM, ["yes", "", "A", "Ada", "", "", "medium", "s", "", "y"]);
    expect(answer).toEqual({ action: "accept", content: { name: "Ada", sure: false, size: "s" } });
    expect(shown).toContain("It is needed.");
    expect(shown).toContain("It is at least 2 characters.");
    expect(shown).toContain('It is one of "s", "l".');
  });

  it("is left after three answers that do not fit", async () => {
    expect((await answered(FORM, ["y", "A", "B", "C"])).answer).toEqual({ action: "cancel" });
  });

  it.each([[["n"]], [[""]], [["y", "Ada", "", "", "s", "", "n"]]])("typed %j is declined", async (lines) => {
    expect((await answered(FORM, lines)).answer).toEqual({ action: "decline" });
  });
});

describe("a page to visit", () => {
  const link: Question = { kind: "link", message: "Go\u001b[2J there", url: "https://b.example/x?y=z" };

  it("is shown whole, and opened by nobody but the person", async () => {
    const { answer, shown } = await answered(link, ["y"]);
    expect(answer).toEqual({ action: "accept" });
    expect(shown).toContain("b.example  https://b.example/x?y=z");
    expect(shown).not.toContain("\u001b[2J");
    expect((await answered(link, [""])).answer).toEqual({ action: "decline" });
  });
});

describe("where nobody can be asked", () => {
  const context = (rest: Partial<CommandContext>): CommandContext =>
    ({ ask: undefined, options: {}, signal: new AbortController().signal, ...rest }) as CommandContext;

  it("peers are told that nobody answers", () => {
    expect(answersAtTerminal(context({}))).toBeUndefined();
    const ask = (): Promise<string> => Promise.resolve("y");
    expect(answersAtTerminal(context({ ask, options: { quiet: true } }))).toBeUndefined();
    expect(answersAtTerminal(context({ ask }))?.sample).toBeUndefined();
  });

  it("two questions at once are asked one after the other", async () => {
    const prompts: string[] = [];
    const pending: ((text: string) => void)[] = [];
    const ask = (prompt: string): Promise<string> => {
      prompts.push(prompt);
      return new Promise((resolve) => pending.push(resolve));
    };
    const output = createOutput({ stdout: { write: () => true }, stderr: { write: () => true }, env: {} });
    const { elicit } = answersAtTerminal(context({ ask, output })) ?? {};
    const link = (url: string): Question => ({ kind: "link", message: "", url });
    const both = Promise.all([
      elicit?.(link("https://a.example/"), ASKER),
      elicit?.(link("https://b.example/"), ASKER),
    ]);
    await new Promise(setImmediate);
    expect(prompts).toHaveLength(1);
    pending[0]?.("y");
    await new Promise(setImmediate);
    expect(prompts).toHaveLength(2);
    pending[1]?.("n");
    expect(await both).toEqual([{ action: "accept" }, { action: "decline" }]);
  });
});
