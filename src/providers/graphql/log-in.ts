import { openCookies, type CookieSession } from "../../http/index.ts";
import { fail, isJsonObject, oneLine, type JsonValue } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import type { LoginPlan } from "./login-plan.ts";
import { classify } from "./map-error.ts";
import { readValue } from "./map-value.ts";
import type { GraphqlRequest, HttpAnswer } from "./request.ts";
import { settingsOf } from "./target.ts";

/** What a login gave: cookies, and a token where the plan says where it stands. */
export interface LoggedIn {
  readonly cookies: CookieSession;
  readonly token: string | undefined;
}

/** Runs the operation that opens a session. Throws `unauthenticated` where the server refuses it. */
export async function logIn(
  { text, variables, tokenPath }: LoginPlan,
  target: Target,
  context: SessionContext,
  ask: (request: GraphqlRequest) => Promise<HttpAnswer>,
): Promise<LoggedIn> {
  const { url } = settingsOf(target);
  const cookies = await openCookies();
  const answer = await ask({ query: text, variables });
  const data = dataOf(answer, target);
  cookies.take(url, answer.http);
  for (const secret of cookies.secrets()) context.addSecret(secret);
  if (tokenPath === undefined) {
    if (cookies.has(url)) return { cookies, token: undefined };
    return nothing(target, "set no cookie", "Say where its token stands, with :token_path.");
  }
  let token: JsonValue | undefined = data;
  for (const key of tokenPath) token = isJsonObject(token) && Object.hasOwn(token, key) ? token[key] : undefined;
  if (typeof token !== "string" || !/^[\x20-\x7e]+$/.test(token)) {
    return nothing(target, `has no token at ${oneLine(tokenPath.join("."), 100)}`, "Correct :token_path of :login.");
  }
  context.addSecret(token);
  return { cookies, token };
}

function dataOf({ response, http, retryAfterMs }: HttpAnswer, target: Target): JsonValue {
  try {
    return readValue(response, {
      kind: "mutation",
      resultField: undefined,
      onError: "fail",
      retryAfterMs,
      status: http.status,
    });
  } catch (error) {
    const failure = classify(error, { phase: "open", sent: true, target });
    if (failure.code !== "rejected") throw failure;
    const { credentialSource } = target;
    return fail("unauthenticated", `The login at ${target.endpoint} was refused. ${failure.message}`, {
      remedy: `Check the variables of :login${credentialSource === undefined ? "" : `, such as ${credentialSource}`}.`,
      cause: failure,
    });
  }
}

function nothing(target: Target, what: string, remedy: string): never {
  return fail("protocol-error", `The answer to the login at ${target.endpoint} ${what}.`, { remedy });
}
