import { CcosError, nestsDeeperThan, type JsonValue } from "../kernel/index.ts";
import { checkJson, checkType, describeProblem, toJson, type TypeProblem, type Value } from "../rtfs/index.ts";
import type { Manifest } from "./manifest.ts";

/** Throws `invalid-argument`, with a path for each problem, where the input violates the schema. */
export function checkInputJson(manifest: Manifest, input: JsonValue): void {
  if (manifest.inputSchema !== undefined) refuseInput(manifest, checkJson(manifest.inputSchema, input));
}

export function checkInputValue(manifest: Manifest, input: Value): void {
  if (manifest.inputSchema !== undefined) refuseInput(manifest, checkType(manifest.inputSchema, input));
}

/** As deep as values of the language may nest when they become JSON. */
const DEEPEST_OUTPUT = 1000;

/**
 * Throws `protocol-error` where the output violates the schema. The call has been executed: the error says
 * so and holds the value, so that nothing is lost and nobody calls again for it. An output that nests too
 * deep for whoever writes it down again is refused as well, whatever the schema.
 */
export function checkOutputJson(manifest: Manifest, output: JsonValue): void {
  if (nestsDeeperThan(output, DEEPEST_OUTPUT)) {
    throw new CcosError(
      "protocol-error",
      `The output of ${JSON.stringify(manifest.id)} nests deeper than ${DEEPEST_OUTPUT} levels.`,
      {
        remedy: "The call was executed; its value is too deep to be handed on. This is a fault of the service.",
        details: { capability: manifest.id, executed: true },
      },
    );
  }
  if (manifest.outputSchema !== undefined)
    refuseOutput(manifest, checkJson(manifest.outputSchema, output), () => output);
}

export function checkOutputValue(manifest: Manifest, output: Value): void {
  if (manifest.outputSchema !== undefined) {
    refuseOutput(manifest, checkType(manifest.outputSchema, output), () => toJson(output));
  }
}

function refuseInput(manifest: Manifest, problems: readonly TypeProblem[]): void {
  if (problems.length === 0) return;
  throw new CcosError(
    "invalid-argument",
    `The input of ${JSON.stringify(manifest.id)} does not fit its schema. ${told(problems)}`,
    {
      remedy: `Correct the input; ccos describe ${manifest.id} shows the schema.`,
      details: { capability: manifest.id, problems },
    },
  );
}

function refuseOutput(manifest: Manifest, problems: readonly TypeProblem[], value: () => JsonValue): void {
  if (problems.length === 0) return;
  let kept: JsonValue = null;
  try {
    kept = value();
  } catch {
    // What has no JSON form cannot be kept in an error.
  }
  throw new CcosError(
    "protocol-error",
    `The output of ${JSON.stringify(manifest.id)} does not fit its schema. ${told(problems)}`,
    {
      remedy: "The call was executed; its value is in the details. Correct :output-schema, or the service.",
      details: { capability: manifest.id, executed: true, value: kept, problems },
    },
  );
}

function told(problems: readonly TypeProblem[]): string {
  const some = problems.slice(0, 5).map((problem) => `${describeProblem(problem)}.`);
  return some.join(" ") + (problems.length > some.length ? ` And ${problems.length - some.length} more.` : "");
}
