import { fail, isCcosError, type Clock } from "../../kernel/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import { compileOperation, standsAlone, type CompiledOperation } from "./compile.ts";
import { classify } from "./map-error.ts";
import type { GraphqlRequest } from "./request.ts";
import { SchemaShelf, type AskServer, type KnownSchema } from "./schema-shelf.ts";
import { settingsOf, type GraphqlSettings } from "./target.ts";
import { checkVariables } from "./variables.ts";

interface Prepared {
  readonly operation: CompiledOperation;
  /** When the schema it was checked by was asked for; undefined where there was none. */
  readonly schemaAt: number | undefined;
}

/** A schema that is older than this may have changed: before it refuses a call, it is asked for anew. */
const TRUSTED_MS = 60_000;

/** The operations of capabilities, each parsed and checked once, and the schemas that they are checked by. */
export class Operations {
  readonly #schemas = new SchemaShelf();
  // By settings: a target keeps its own for as long as nothing that it was read from has changed.
  readonly #prepared = new WeakMap<GraphqlSettings, Prepared>();

  /** The request of a call, with its variables checked. Throws `invalid-argument` before anything is sent. */
  request(call: SessionCall, clock: Clock, ask: AskServer): GraphqlRequest | Promise<GraphqlRequest> {
    const prepared = this.#prepared.get(settingsOf(call.target));
    if (prepared === undefined) return this.#prepareFirst(call, clock, ask);
    try {
      return requestOf(prepared.operation, call);
    } catch (error) {
      const isOld = prepared.schemaAt !== undefined && clock.monotonic() - prepared.schemaAt > TRUSTED_MS;
      if (!isOld) throw error;
      return this.#prepareFirst(call, clock, ask, TRUSTED_MS);
    }
  }

  close(): void {
    this.#schemas.close();
  }

  async #prepareFirst(call: SessionCall, clock: Clock, ask: AskServer, maxAgeMs?: number): Promise<GraphqlRequest> {
    const settings = settingsOf(call.target);
    const known = await this.#schemaFor(call, clock, ask, maxAgeMs);
    let operation: CompiledOperation;
    try {
      operation = compileOperation(settings.operation, known?.found?.schema, call.capability.id);
    } catch (error) {
      const age = known?.found === undefined ? 0 : clock.monotonic() - known.at;
      if (age <= TRUSTED_MS) throw error;
      return this.#prepareFirst(call, clock, ask, TRUSTED_MS);
    }
    this.#prepared.set(settings, { operation, schemaAt: known?.found === undefined ? undefined : known.at });
    return requestOf(operation, call);
  }

  async #schemaFor(
    call: SessionCall,
    clock: Clock,
    ask: AskServer,
    maxAgeMs: number | undefined,
  ): Promise<KnownSchema | undefined> {
    const { operation, introspection } = settingsOf(call.target);
    const { id } = call.capability;
    if (introspection === "never" || (introspection === "auto" && standsAlone(operation, id))) return undefined;
    const known = await this.#schemas.of(call.target, ask, clock.monotonic(), call.signal, maxAgeMs);
    if (known.found !== undefined || (introspection === "auto" && operation.form === "document")) return known;
    const failure = isCcosError(known.failure)
      ? known.failure
      : classify(known.failure, { phase: "open", sent: false, target: call.target });
    return fail(
      failure.code,
      `${call.target.endpoint} does not tell its schema, which ${JSON.stringify(id)} needs. ${failure.message}`,
      {
        remedy:
          operation.form === "field"
            ? "Give it an :operation instead of a :field; ccos import graphql writes one from a schema."
            : 'Set :introspection to "auto" or "never".',
        retryAfterMs: failure.retryAfterMs,
        cause: failure,
      },
    );
  }
}

function requestOf({ text, name, variables }: CompiledOperation, call: SessionCall): GraphqlRequest {
  return { query: text, operationName: name, variables: checkVariables(variables, call.input, call.capability.id) };
}
