import { isSecretName, type JsonValue, valueAt } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import type { Connection } from "./connection.ts";
import type { Listener } from "./inbox.ts";
import { readAnswer, refusalOf } from "./map-value.ts";
import type { Match } from "./match.ts";
import { renderRequest } from "./request.ts";
import type { WebSocketSettings } from "./target.ts";
import type { Scope } from "./template.ts";
import type { Login } from "./wire.ts";
import { WireError } from "./wire-error.ts";

/** Waits for a message of one kind; one of the other kind is a refusal. */
export class FirstMessage {
  readonly heard: Promise<JsonValue>;
  readonly #connection: Connection;
  readonly #listener: Listener;

  constructor(
    connection: Connection,
    wanted: Match,
    refused: ((message: JsonValue) => WireError | undefined) | undefined,
  ) {
    this.#connection = connection;
    const { promise, resolve, reject } = Promise.withResolvers<JsonValue>();
    this.heard = promise;
    promise.catch(() => {});
    this.#listener = {
      offer: (message) => {
        const no = refused?.(message);
        if (no === undefined && !wanted.matches(message, { input: null })) return false;
        this.leave();
        if (no === undefined) resolve(message);
        else reject(no);
        return true;
      },
      failed: reject,
    };
    connection.listen(this.#listener);
  }

  leave(): void {
    this.#connection.unlisten(this.#listener);
  }
}

/** Logs in, and gives the instant at which that ends, where the peer said so. */
export async function logIn(
  login: Login,
  connection: Connection,
  target: Target,
  context: SessionContext,
  token: string | undefined,
): Promise<number | undefined> {
  const { operation, wire } = target.settings as WebSocketSettings;
  const scope: Scope = { input: null, values: { $token: token } };
  const refused = (message: JsonValue): WireError | undefined => {
    if (login.refused?.matches(message, { input: null }) !== true) return undefined;
    const error = valueAt(message, operation.reading.errorPath) ?? message;
    return new WireError({ kind: "refused", refusal: refusalOf(error, operation.reading, true) });
  };
  const listens = login.ok !== undefined || login.refused !== undefined;
  const said = listens ? new FirstMessage(connection, login.ok ?? NEVER, refused) : undefined;
  // Where other messages say how it went, an answer to the request as such says nothing.
  const answered = !login.unanswered && login.ok === undefined && wire.correlation.kind !== "none";
  try {
    const outgoing = {
      message: (id: number | string | undefined) =>
        renderRequest(login.request, wire.correlation, scope, id, "the login"),
      answered,
      operation: "the login",
      signal: context.signal,
    };
    const asked = connection.ask(outgoing);
    asked.catch(() => {});
    const answer = await (answered ? Promise.race([asked, ...(said === undefined ? [] : [said.heard])]) : asked);
    if (login.unanswered) return undefined;
    const yes = login.ok === undefined ? answer : await (said as FirstMessage).heard;
    if (login.ok === undefined) checkAnswer(yes, target);
    connection.login = yes;
    for (const secret of secretsIn(yes)) context.addSecret(secret);
    const seconds = login.expiresInPath && valueAt(yes, login.expiresInPath);
    return typeof seconds === "number" && seconds > 0 ? context.clock.now() + seconds * 1000 : undefined;
  } finally {
    said?.leave();
  }
}

const SECRET_KEY = /(?:session|ticket|nonce)(?:[_-]?id)?$/i;
const MOST_LOOKED_AT = 1000;

/** What a peer gives to those who have logged in: session ids, tokens. */
function secretsIn(answer: JsonValue): string[] {
  const secrets: string[] = [];
  const rest: JsonValue[] = [answer];
  for (let looked = 0; rest.length > 0 && looked < MOST_LOOKED_AT; looked++) {
    const value = rest.pop();
    if (typeof value !== "object" || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner !== "string") rest.push(inner);
      else if (isSecretName(key) || SECRET_KEY.test(key)) secrets.push(inner);
    }
  }
  return secrets;
}

const NEVER: Match = { matches: () => false, names: new Set() };

/** An answer to the login that is an error says that it was refused. */
function checkAnswer(answer: JsonValue, target: Target): void {
  const { operation, wire } = target.settings as WebSocketSettings;
  try {
    readAnswer(answer, operation.reading, wire.correlation);
  } catch (error) {
    if (error instanceof WireError && error.failure.kind === "refused") {
      throw new WireError({ kind: "refused", refusal: { ...error.failure.refusal, login: true } });
    }
    throw error;
  }
}
