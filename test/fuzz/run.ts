import { checkInput } from "./check-input.ts";
import { fuzzInput } from "./inputs.ts";

export interface FuzzFinding {
  readonly index: number;
  readonly input: string;
  readonly problem: string;
}

const MOST_FINDINGS = 20;
const shape = (): string =>
  Reflect.ownKeys(Object.prototype)
    .concat(Reflect.ownKeys(Function.prototype), Reflect.ownKeys(globalThis))
    .map(String)
    .join(" ");

/** Tries the inputs of these numbers; `tell` hears the number of each before it is tried. */
export async function fuzz(
  seed: number,
  from: number,
  to: number,
  tell: (index: number) => void = () => {},
): Promise<FuzzFinding[]> {
  const findings: FuzzFinding[] = [];
  let before = shape();
  for (let index = from; index < to && findings.length < MOST_FINDINGS; index++) {
    tell(index);
    const input = fuzzInput(seed, index);
    const problem = await checkInput(input);
    if (problem !== undefined) findings.push({ index, input, problem });
    if (index % 4096 === 0 || index === to - 1) {
      const after = shape();
      if (after !== before)
        findings.push({ index, input: "one of the inputs before", problem: "it changed what every object inherits" });
      before = after;
    }
  }
  return findings;
}
