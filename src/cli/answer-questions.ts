import {
  fieldProblem,
  getOwn,
  oneLine,
  setOwn,
  type Answer,
  type Asker,
  type FormField,
  type FormQuestion,
  type Interaction,
  type JsonObject,
  type JsonValue,
  type LinkQuestion,
} from "../kernel/index.ts";
import type { CommandContext } from "./command-context.ts";

/** Wrong answers to one field before the form counts as left. */
const MOST_TRIES = 3;
const LONGEST_LINE = 300;

/**
 * Has the person at the terminal answer what peers ask back. Undefined where nobody is there, or wants to be asked:
 * then peers are told that nobody answers.
 */
export function answersAtTerminal(context: CommandContext): Interaction | undefined {
  const { ask, options } = context;
  if (ask === undefined || options.quiet === true) return undefined;
  // One question at a time: there is one terminal.
  let last: Promise<unknown> = Promise.resolve();
  return {
    elicit: (question, asker) => {
      const terminal = new Questioner(context, ask, AbortSignal.any([context.signal, asker.signal]));
      const answer = last.then(() =>
        question.kind === "form" ? terminal.fillIn(question, asker) : terminal.visit(question, asker),
      );
      last = answer.catch(() => {});
      return answer;
    },
  };
}

class Questioner {
  readonly #output: CommandContext["output"];
  readonly #ask: (question: string) => Promise<string>;
  readonly #signal: AbortSignal;

  constructor({ output }: CommandContext, ask: NonNullable<CommandContext["ask"]>, signal: AbortSignal) {
    this.#output = output;
    this.#signal = signal;
    this.#ask = async (question) => {
      signal.throwIfAborted();
      const answer = (await ask(question, signal)).trim();
      signal.throwIfAborted();
      return answer;
    };
  }

  async visit({ message, url }: LinkQuestion, asker: Asker): Promise<Answer> {
    this.#introduce(message, asker);
    // Whole, so that it can be seen where it leads; nothing opens it but the person.
    this.#tell(`  ${this.#output.style("bold", new URL(url).host)}  ${this.#output.style("underline", url)}`);
    return isYes(await this.#ask("Have you been there? [y/N] ")) ? { action: "accept" } : { action: "decline" };
  }

  async fillIn({ message, fields }: FormQuestion, asker: Asker): Promise<Answer> {
    this.#introduce(message, asker);
    if (!isYes(await this.#ask("Answer? [y/N] "))) return { action: "decline" };
    const content: JsonObject = {};
    for (const field of fields) {
      const value = await this.#valueOf(field);
      if (value === "left") return { action: "cancel" };
      if (value.given !== undefined) setOwn(content, field.name, value.given);
    }
    for (const { name, label } of fields) {
      const value = getOwn(content, name);
      if (value !== undefined) this.#tell(`  ${label}: ${oneLine(JSON.stringify(value), LONGEST_LINE)}`);
    }
    const isSent = fields.length === 0 || !/^\s*n/i.test(await this.#ask("Send this? [Y/n] "));
    return isSent ? { action: "accept", content } : { action: "decline" };
  }

  #introduce(message: string, { endpoint, capabilityId }: Asker): void {
    const what = capabilityId === undefined ? "" : `, for ${oneLine(capabilityId)}`;
    this.#tell(`${this.#output.style("bold", oneLine(endpoint))} asks${what}:`);
    for (const line of message.split("\n")) this.#tell(`  ${oneLine(line, LONGEST_LINE)}`);
  }

  async #valueOf(field: FormField): Promise<{ readonly given: JsonValue | undefined } | "left"> {
    if (field.description !== undefined) this.#tell(`  ${oneLine(field.description, LONGEST_LINE)}`);
    for (const { value, label } of field.choices ?? []) {
      this.#tell(`    ${oneLine(value)}${label === value ? "" : `  ${oneLine(label)}`}`);
    }
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const text = await this.#ask(promptOf(field));
      if (text === "") {
        if (field.default !== undefined) return { given: field.default };
        if (!field.required) return { given: undefined };
        this.#tell("  It is needed.");
        continue;
      }
      const value = read(field, text);
      const problem = fieldProblem(field, value);
      if (problem === undefined) return { given: value };
      this.#tell(`  It ${problem}.`);
    }
    return "left";
  }

  #tell(text: string): void {
    if (!this.#signal.aborted) this.#output.problem(text);
  }
}

const isYes = (text: string): boolean => /^\s*y(?:es)?\s*$/i.test(text);

const HINTS: Readonly<Record<FormField["type"], string>> = {
  text: "",
  number: " (a number)",
  integer: " (a whole number)",
  boolean: " (y/n)",
  choice: " (one of these)",
  choices: " (some of these, with commas between)",
};

function promptOf(field: FormField): string {
  const { default: preset, required, type, format } = field;
  const hint = type === "text" && format !== undefined ? ` (${format})` : HINTS[type];
  const rest = preset === undefined ? (required ? "" : " [none]") : ` [${oneLine(shown(preset), 60)}]`;
  return `${oneLine(field.label, 100)}${hint}${rest}: `;
}

function shown(value: JsonValue): string {
  if (Array.isArray(value)) return value.map(shown).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What was typed as a value of the field's type; what cannot be one stays the text, which then does not fit. */
function read(field: FormField, text: string): JsonValue {
  switch (field.type) {
    case "number":
    case "integer":
      return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
    case "boolean":
      if (/^(?:y|yes|true)$/i.test(text)) return true;
      return /^(?:n|no|false)$/i.test(text) ? false : text;
    case "choice":
      return chosen(field, text);
    case "choices":
      return text
        .split(",")
        .map((one) => one.trim())
        .filter((one) => one !== "")
        .map((one) => chosen(field, one));
    case "text":
      return text;
  }
}

/** A choice may be named by its value or by what it is called. */
function chosen({ choices = [] }: FormField, text: string): string {
  const same = (one: string): boolean => one.toLowerCase() === text.toLowerCase();
  return (
    (choices.find(({ value }) => value === text) ?? choices.find(({ value, label }) => same(value) || same(label)))
      ?.value ?? text
  );
}
