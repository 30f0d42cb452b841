import { CcosError, isCcosError } from "../../src/kernel/index.ts";
import {
  compile,
  equals,
  Float,
  formToValue,
  Keyword,
  List,
  print,
  read,
  RtfsError,
  RtfsFunction,
  RtfsMap,
  Sym,
  toJsonText,
  Vector,
  type Host,
  type Limits,
  type Value,
} from "../../src/rtfs/index.ts";

const LIMITS: Partial<Limits> = {
  maxSteps: 3_000,
  maxDepth: 300,
  timeoutMs: 1_000,
  maxCollectionSize: 5_000,
  maxOutputSize: 100_000,
};
/** Far more than the limits allow. */
const SLOWEST_MS = 4_000;

/** Tries one input: what is wrong with how it ended, or undefined. */
export async function checkInput(text: string): Promise<string | undefined> {
  const started = performance.now();
  try {
    await tryInput(text);
  } catch (error) {
    if (error instanceof Finding) return error.message;
    return `a foreign exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const took = performance.now() - started;
  return took > SLOWEST_MS ? `it took ${took.toFixed(0)} ms` : undefined;
}

class Finding extends Error {}

async function tryInput(text: string): Promise<void> {
  const { forms, errors } = read(text);
  for (const error of errors)
    if (error.code !== "read-error") throw new Finding(`reading gives ${error.code}: ${error.message}`);
  let value: Value;
  try {
    const run = compile(forms).run({ host: HOST, limits: LIMITS, sliceMs: Number.POSITIVE_INFINITY });
    value = run instanceof Promise ? await run : run;
  } catch (error) {
    checkError(error);
    return;
  }
  checkValue(value);
  checkPrinting(value);
}

/** Every failure is one of ours, and of a kind that a program can have. */
function checkError(error: unknown): void {
  if (!isCcosError(error)) throw error;
  if (error.code === "internal")
    throw new Finding(
      `an internal error: ${error.message}\n${String((error.cause as Error | undefined)?.stack ?? error.stack)}`,
    );
  JSON.stringify(error);
}

const MOST_PARTS = 20_000;

/** Nothing but values of the language, all through. */
function checkValue(value: Value): void {
  const open: unknown[] = [value];
  for (let parts = 0; open.length > 0 && parts < MOST_PARTS; parts++) {
    const part = open.pop();
    if (part === null || ["boolean", "string", "bigint"].includes(typeof part)) continue;
    if (typeof part === "number") {
      if (!Number.isSafeInteger(part) || Object.is(part, -0)) throw new Finding(`the number ${part} as an integer`);
    } else if (part instanceof Vector || part instanceof List)
      open.push(...part.slice(0, Math.min(part.length, 1_000)));
    else if (part instanceof RtfsMap) for (const entry of [...part].slice(0, 1_000)) open.push(...entry);
    else if (part instanceof RtfsError) open.push(part.data);
    else if (
      !(part instanceof Float || part instanceof Keyword || part instanceof Sym || part instanceof RtfsFunction)
    ) {
      throw new Finding(`no value of the language: ${typeof part} ${Object.prototype.toString.call(part)}`);
    }
  }
}

/** Printing, then reading, gives the same; and JSON is text or a clear error. */
function checkPrinting(value: Value): void {
  let text: string;
  try {
    text = print(value, { maxLength: 100_000 });
    print(value, { maxLength: 100_000, pretty: true });
  } catch (error) {
    return checkError(error);
  }
  try {
    JSON.parse(toJsonText(value, { maxLength: 100_000 }));
  } catch (error) {
    checkError(error);
  }
  if (/#<(?:function|error)/.test(text)) return;
  const { forms, errors } = read(text, { maxNesting: 1_000 });
  const [form] = forms;
  if (errors.length > 0 && /nest deeper/.test(errors[0]?.message ?? "")) return;
  if (form === undefined || forms.length !== 1 || errors.length > 0)
    throw new Finding(`printed text that does not read back: ${text.slice(0, 300)}`);
  const back = formToValue(form);
  // NaN equals nothing, but prints as itself.
  if (!equals(back, value) && print(back) !== text)
    throw new Finding(`printed as ${text.slice(0, 300)}, read back as ${print(back).slice(0, 300)}`);
}

const STEPS: string[] = [];

/** What a program may call: echoes now and later, fails, and looks at what it is handed. */
const HOST: Host = {
  call(id, args, hints) {
    for (const arg of [...args, ...hints.values()]) checkValue(arg);
    if (id === "test.slow") return Promise.resolve(args[0] ?? null);
    if (id === "test.fail") throw new CcosError("rejected", "failed");
    return args[0] ?? null;
  },
  context: (name) => (name === "name" ? "value" : undefined),
  setContext: (_name, value) => checkValue(value),
  step: ({ name }) => {
    STEPS.length = 0;
    STEPS.push(name);
  },
};
