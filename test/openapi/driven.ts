import {
  type CcosError,
  isCcosError,
  type JsonObject,
  type JsonValue,
  type StreamEvent,
} from "../../src/kernel/index.ts";
import { createOpenApiHandler } from "../../src/providers/openapi/index.ts";
import type { Session } from "../../src/session/index.ts";
import { capabilityOf, driveHandler } from "../../testing/drive-handler.ts";

export interface Driven extends AsyncDisposable {
  call(block: JsonObject, input?: JsonValue): Promise<JsonValue>;
  /** The error of a call that fails. */
  failure(block: JsonObject, input?: JsonValue): Promise<CcosError>;
  stream(block: JsonObject, input?: JsonValue): AsyncIterable<StreamEvent>;
  session(block: JsonObject): Promise<Session>;
  readonly secrets: ReadonlySet<string>;
}

/** The handler without the core; calls of blocks with equal targets share a session. */
export function drive(env: Record<string, string> = {}): Driven {
  const driver = driveHandler(createOpenApiHandler({ openTimeoutMs: 5_000 }), { env });
  const sessions = new Map<string, Promise<Session>>();
  const session = (block: JsonObject): Promise<Session> => {
    const capability = capabilityOf("openapi", block);
    const { endpoint, credentials, shape } = driver.target(capability);
    const key = JSON.stringify([endpoint, credentials, shape]);
    if (!sessions.has(key)) sessions.set(key, driver.open(capability));
    return sessions.get(key) as Promise<Session>;
  };
  const call = async (block: JsonObject, input: JsonValue = null): Promise<JsonValue> =>
    driver.call((await session(block)) as never, capabilityOf("openapi", block), input);
  return {
    call,
    session,
    secrets: driver.secrets,
    failure: (block, input) =>
      call(block, input).then(
        (value) => {
          throw new Error(`It gave ${JSON.stringify(value)}.`);
        },
        (error: unknown) => {
          if (isCcosError(error)) return error;
          throw error;
        },
      ),
    async *stream(block, input = null) {
      yield* driver.stream((await session(block)) as never, capabilityOf("openapi", block), input);
    },
    [Symbol.asyncDispose]: () => driver.close(),
  };
}
