import {
  CcosError,
  fail,
  getOwn,
  isJsonObject,
  oneLine,
  setOwn,
  sleep,
  untilAborted,
  type Clock,
  type JsonObject,
  type JsonValue,
} from "../../kernel/index.ts";
import { linksOf, type AskerOfCall, type Questions } from "./questions.ts";
import type { RpcAnswer } from "./transport.ts";
import type { RpcError } from "./wire-error.ts";

/** How often a server may ask before it does what was asked of it. */
const MOST_ROUNDS = 10;
/** Questions of one round. */
const MOST_QUESTIONS = 16;
/** Characters of what a server has us bring back with the answers. */
const LONGEST_STATE = 256 * 1024;
/** Before a server is asked again that wanted nothing but to be asked again. */
const PACE_MS = 250;

export interface Round {
  readonly questions: Questions;
  readonly asker: AskerOfCall;
  readonly clock: Clock;
  /** The operation and where, for messages. */
  readonly what: string;
  /** 1 for the first time that the server asks. */
  readonly number: number;
}

/**
 * What a server wants to know before it goes on (`input_required`), answered: what is added to the parameters of the
 * same request, made again. Throws `rejected` where nobody answers, and a text for what breaks the protocol.
 */
export async function answerRound(result: JsonObject, round: Round): Promise<JsonObject | string> {
  const { clock, asker, what } = round;
  checkRounds(round);
  const asked = getOwn(result, "inputRequests");
  const state = getOwn(result, "requestState");
  if (state !== undefined && typeof state !== "string") return "The state of the request is no text.";
  if (state !== undefined && state.length > LONGEST_STATE) return "The state of the request is too long.";
  if (asked !== undefined && !isJsonObject(asked)) return "What the server asks is no map.";
  const entries = Object.entries(asked ?? {});
  if (entries.length > MOST_QUESTIONS) return `The server asks more than ${MOST_QUESTIONS} things at once.`;
  const added: JsonObject = state === undefined ? {} : { requestState: state };
  if (entries.length === 0) {
    if (state === undefined) return "The server asks for more input, and does not say for which.";
    await sleep(clock, PACE_MS, asker.signal);
    return added;
  }
  const responses: JsonObject = {};
  // One after the other: they may all go to one person.
  for (const [key, question] of entries) {
    const method = isJsonObject(question) ? question["method"] : undefined;
    if (!isJsonObject(question) || typeof method !== "string") return "A question of the server has no method.";
    if (!round.questions.canAnswer(method)) throw nobodyAnswers(what, method);
    const params = isJsonObject(question["params"]) ? question["params"] : {};
    const answer = await answerOf(round, method, params);
    if (answer === undefined || "error" in answer) throw unanswered(what, method, answer);
    setOwn(responses, key, answer.result);
  }
  return { ...added, inputResponses: responses };
}

/**
 * Pages that have to be visited before a server does what was asked. Returns when they have been; the request is made
 * again as it was. Throws `rejected` where nobody goes there.
 */
export async function visitLinks(error: RpcError, round: Round): Promise<void> {
  checkRounds(round);
  const links = linksOf(error) ?? [];
  if (links.length > MOST_QUESTIONS) fail("rejected", `${round.what} wants too many pages visited at once.`);
  for (const link of links) {
    const method = "elicitation/create";
    if (!round.questions.canAnswer(method)) throw nobodyAnswers(round.what, method);
    const answer = await answerOf(round, method, link);
    const result: JsonValue | undefined = answer !== undefined && "result" in answer ? answer.result : undefined;
    if (isJsonObject(result) && result["action"] === "accept") continue;
    fail("rejected", `${round.what} wants a page visited first, and that was declined.`, {
      remedy: oneLine(`Visit ${typeof link["url"] === "string" ? link["url"] : "it"}, then call again.`, 500),
    });
  }
}

/** The host may go on thinking when nobody waits any more. */
function answerOf({ questions, asker }: Round, method: string, params: JsonObject): Promise<RpcAnswer | undefined> {
  return untilAborted(questions.answer(method, params, asker) ?? Promise.resolve(undefined), asker.signal);
}

function checkRounds({ number, what }: Round): void {
  if (number <= MOST_ROUNDS) return;
  fail("rejected", `${what} asks its caller for more input again and again: ${MOST_ROUNDS} times so far.`, {
    remedy: "The server may not like the answers; find out what it wants.",
  });
}

const WHO: Readonly<Record<string, string>> = {
  "elicitation/create": "elicit",
  "sampling/createMessage": "sample",
  "roots/list": "roots",
};

function nobodyAnswers(what: string, method: string): CcosError {
  const member = WHO[method];
  return new CcosError("rejected", `${what} asks its caller for more input (${oneLine(method, 60)}).`, {
    remedy:
      member === undefined
        ? "Nobody can be asked this."
        : `Nobody answers here: give createEnvironment an \`interaction\` with \`${member}\`${member === "elicit" ? ", or call it at a terminal" : ""}.`,
  });
}

function unanswered(what: string, method: string, answer: RpcAnswer | undefined): CcosError {
  const why = answer !== undefined && "error" in answer ? `: ${oneLine(answer.error.message)}` : "";
  return new CcosError("rejected", `${what} asked its caller (${method}), and got no answer${why}`);
}
