import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { referencePage } from "../scripts/reference-page.ts";
import { createEnvironment } from "../src/environment.ts";
import { isCcosError } from "../src/kernel/index.ts";
import {
  compile,
  DEFAULT_LIMITS,
  formText,
  formToValue,
  print,
  readProgram,
  Workspace,
  type Form,
} from "../src/rtfs/index.ts";
import { repository } from "./run-process.ts";

const page = (name: string): string => readFileSync(join(repository, "docs", name), "utf8");
const tour = page("language.md");
const blocks = [...tour.matchAll(/^```rtfs\n([\s\S]*?)^```$/gm)].map(([, text = ""], index) => ({ index, text }));

const env = await createEnvironment({ capabilities: [], env: {} });
afterAll(() => env.close());

/** A form with what it gives, or a form that only defines something. */
interface Example {
  readonly form: Form;
  readonly verb: "=>" | "!!" | undefined;
  readonly expected: Form | undefined;
}

function examplesOf(text: string): Example[] {
  const forms = readProgram(text, { file: "docs/language.md" });
  const examples: Example[] = [];
  for (let at = 0; at < forms.length; at++) {
    const next = forms[at + 1];
    const verb = next?.kind === "symbol" && (next.name === "=>" || next.name === "!!") ? next.name : undefined;
    examples.push({ form: forms[at] as Form, verb, expected: verb === undefined ? undefined : forms[at + 2] });
    if (verb !== undefined) at += 2;
  }
  return examples;
}

async function outcome(form: Form, workspace: Workspace): Promise<string> {
  try {
    return print(await compile([form], { workspace }).run({ host: env.createHost() }));
  } catch (error) {
    if (!isCcosError(error)) throw error;
    const kind = error.details?.["kind"];
    return `!! ${error.code === "eval-error" ? String(kind) : error.code === "not-found" ? "UnknownCapability" : error.code}`;
  }
}

describe("the tour of the language", () => {
  test.each(blocks)("block $index says what is so", async ({ text }) => {
    const workspace = new Workspace();
    const examples = examplesOf(text);
    expect(examples.some(({ verb }) => verb !== undefined)).toBe(true);
    for (const { form, verb, expected } of examples) {
      const found = await outcome(form, workspace);
      if (verb === "=>")
        expect([formText(form), found]).toEqual([formText(form), print(formToValue(expected as Form))]);
      else if (verb === "!!")
        expect([formText(form), found]).toEqual([formText(form), `!! ${formText(expected as Form)}`]);
      else expect(found).not.toMatch(/^!!/);
    }
  });

  test("has no block that is not run", () => {
    expect([...tour.matchAll(/^```/gm)].length).toBe(blocks.length * 2);
    expect(blocks.length).toBeGreaterThan(15);
  });

  test("states the limits as they are", () => {
    const stated = new Map(
      [...tour.matchAll(/^\|[^|]*\| ([^|]*?) *\| `(\w+)`/gm)].map(([, value = "", name = ""]) => [name, value]),
    );
    const number = (name: string): number => Number((stated.get(name) ?? "").replaceAll(",", ""));
    expect(number("maxSteps")).toBe(DEFAULT_LIMITS.maxSteps);
    expect(number("maxDepth")).toBe(DEFAULT_LIMITS.maxDepth);
    expect(number("maxCollectionSize")).toBe(DEFAULT_LIMITS.maxCollectionSize);
    expect(number("maxOutputSize")).toBe(DEFAULT_LIMITS.maxOutputSize);
    expect(stated.get("timeoutMs")).toBe(`${DEFAULT_LIMITS.timeoutMs / 1000} s`);
    expect([...stated.keys()].toSorted()).toEqual([...Object.keys(DEFAULT_LIMITS), "maxNesting"].toSorted());
  });
});

test("the reference is what the code says; npm run docs writes it", () => {
  const plain = (text: string): string => text.replace(/\s+/g, " ").trim();
  expect(plain(page("reference.md"))).toBe(plain(referencePage()));
});
