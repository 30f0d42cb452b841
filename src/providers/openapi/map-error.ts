import {
  isJsonObject,
  nestsDeeperThan,
  parseJson,
  stripControls,
  type CcosError,
  type JsonValue,
} from "../../kernel/index.ts";
import {
  exchangeFailure,
  isJsonType,
  mediaTypeOf,
  MOST_EXCERPT,
  readText,
  statusFailure,
  wordsOf,
  type HttpFailureContext,
  type HttpResponse,
} from "../../http/index.ts";
import type { FailureContext } from "../../session/handler.ts";
import type { Operation, ResponseDeclaration } from "./operation.ts";

const MOST_QUOTED = 4_000;
const DEEPEST_QUOTED = 16;

/** A foreign error as one of ours. What an answer means by its status is said by `refusalOf`, where it is read. */
export function classify(error: unknown, context: FailureContext): CcosError {
  return exchangeFailure(error, context);
}

/** A refusal in the words of the peer; those of the description where it says nothing. */
export async function refusalOf(
  response: HttpResponse,
  { responses }: Operation,
  where: HttpFailureContext,
  now: number,
): Promise<CcosError> {
  let text = "";
  try {
    text = await readText(response, MOST_EXCERPT);
  } catch {
    // What is wrong with the body of a failure says less than its status.
  }
  const { status } = response;
  const declared = wordsOf(text) === "" ? declarationOf(responses, status)?.description : undefined;
  const failure = statusFailure(response, declared ?? text, where, now);
  const body = quotable(text, mediaTypeOf(response));
  return body === undefined ? failure : failure.with({ details: { body } });
}

function declarationOf(
  responses: ReadonlyMap<string, ResponseDeclaration>,
  status: number,
): ResponseDeclaration | undefined {
  return responses.get(String(status)) ?? responses.get(`${String(status)[0]}XX`);
}

/** What a refusal says in JSON, such as which field is wrong: for programs. */
function quotable(text: string, mediaType: string): JsonValue | undefined {
  if (text.length > MOST_QUOTED || !isJsonType(mediaType)) return undefined;
  try {
    const value = parseJson(text);
    return isJsonObject(value) && !nestsDeeperThan(value, DEEPEST_QUOTED) ? strip(value) : undefined;
  } catch {
    return undefined;
  }
}

function strip(value: JsonValue): JsonValue {
  if (typeof value === "string") return stripControls(value);
  if (Array.isArray(value)) return value.map(strip);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [stripControls(key), strip(inner)]));
}
