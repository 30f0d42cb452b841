import type { Dispatcher } from "undici";

import { Authorizer, createDispatcher } from "../../http/index.ts";
import { fail, untilAborted, type CcosError, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
import type {
  FailureContext,
  Opened,
  Session,
  SessionCall,
  SessionCapability,
  SessionContext,
  SessionHandler,
  Target,
  TargetContext,
} from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import type * as Libraries from "./library.ts";
import type { FileSchemas } from "./load-schema.ts";
import type { MethodPlan, Schema } from "./schema.ts";
import { readTarget, type GrpcSettings } from "./target.ts";
import { PROVIDER, TRAITS } from "./traits.ts";

type Library = typeof Libraries;

/** The state of a session; only this folder looks inside. */
export interface GrpcSession {
  readonly connection: Connection;
  /** What the server said of its services, by name; only of those that were asked for. */
  readonly reflected: Map<string, Promise<Schema>>;
  /** How each capability is called that was called before, by its settings. */
  readonly plans: WeakMap<GrpcSettings, MethodPlan>;
  readonly library: Library;
}

/** Sessions with gRPC servers: each is a connection, with what is known of the server's services. */
export class GrpcSessionHandler implements SessionHandler<GrpcSession> {
  readonly provider = PROVIDER;
  readonly traits = TRAITS;

  readonly #authorizer = new Authorizer({ dispatcher: () => this.#tokenConnections() });
  #dispatcher: Promise<Dispatcher> | undefined;
  #library: Promise<Library> | undefined;
  #classify: ((error: unknown, failure: FailureContext) => CcosError) | undefined;
  #files: FileSchemas | undefined;

  target(capability: SessionCapability, context: TargetContext): Target {
    return readTarget(capability, context);
  }

  async initializeSession(target: Target, context: SessionContext): Promise<Opened<GrpcSession>> {
    const settings = target.settings as GrpcSettings;
    const library = await this.#load();
    const { headers, expiresAt } = await this.#authorizer.open(placeOf(settings), context);
    const connection = await library.connect(settings, {
      metadata: headers,
      signal: context.signal,
      lost: (why) => context.lost(why),
    });
    const state: GrpcSession = { connection, reflected: new Map(), plans: new WeakMap(), library };
    try {
      // A server that describes itself is asked at once: so it shows here whether it takes the credentials.
      if (settings.source.kind === "reflection") await this.#reflected(state, settings.service, context.signal);
    } catch (error) {
      library.disconnect(connection);
      throw error;
    }
    return { state, expiresAt, description: `gRPC ${settings.tls === undefined ? "in the clear" : "over TLS"}` };
  }

  executeWithSession(session: Session<GrpcSession>, call: SessionCall, context: SessionContext): Promise<JsonValue> {
    const known = session.state.plans.get(call.target.settings as GrpcSettings);
    return known === undefined
      ? this.#plan(session, call, context).then((plan) => execute(session, call, plan))
      : execute(session, call, known);
  }

  async *stream(session: Session<GrpcSession>, call: SessionCall, context: SessionContext): AsyncIterable<StreamEvent> {
    const { connection, library } = session.state;
    const settings = call.target.settings as GrpcSettings;
    const plan = session.state.plans.get(settings) ?? (await this.#plan(session, call, context));
    requireConnection(session);
    if (plan.kind === "unary" || plan.kind === "client_streaming") {
      yield { type: "result", value: await library.callOnce(connection, plan, call, settings) };
      return;
    }
    for await (const { value } of library.callStream(connection, plan, call, settings)) yield { type: "data", value };
  }

  async terminateSession(session: Session<GrpcSession>): Promise<void> {
    session.state.library.disconnect(session.state.connection);
  }

  classifyFailure(error: unknown, failure: FailureContext): CcosError {
    // Without the library nothing has been opened, and so nothing has failed in its own way.
    if (this.#classify === undefined) throw error;
    return this.#classify(error, failure);
  }

  renewCredentials(target: Target, context: SessionContext): Promise<boolean> {
    return this.#authorizer.renew(placeOf(target.settings as GrpcSettings), context);
  }

  async probe(session: Session<GrpcSession>): Promise<boolean> {
    return session.state.library.isConnected(session.state.connection);
  }

  /** Lets go of the connections over which tokens were asked for. */
  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    await (await dispatcher)?.destroy();
  }

  #tokenConnections(): Promise<Dispatcher> {
    return (this.#dispatcher ??= createDispatcher());
  }

  #load(): Promise<Library> {
    return (this.#library ??= import("./library.ts").then((library) => {
      this.#classify = library.classify;
      return library;
    }));
  }

  /** Files are looked at once a session: what changes in them is seen by the next one. */
  async #plan({ state }: Session<GrpcSession>, call: SessionCall, context: SessionContext): Promise<MethodPlan> {
    const settings = call.target.settings as GrpcSettings;
    const { source, service, method } = settings;
    let asking: Promise<Schema>;
    if (source.kind === "reflection") asking = this.#reflected(state, service, context.signal);
    else asking = (this.#files ??= new state.library.FileSchemas()).of(source);
    // Others may wait for the same answer: whoever leaves takes it from nobody.
    const plan = (await untilAborted(asking, call.signal)).plan(service, method);
    state.plans.set(settings, plan);
    return plan;
  }

  /** One question for all who ask at once; one that failed is asked again by the next. */
  #reflected({ connection, reflected, library }: GrpcSession, service: string, signal: AbortSignal): Promise<Schema> {
    let schema = reflected.get(service);
    if (schema === undefined) {
      schema = library.reflectSchema(connection, service, signal);
      reflected.set(service, schema);
      schema.catch(() => reflected.delete(service));
    }
    return schema;
  }
}

function execute(session: Session<GrpcSession>, call: SessionCall, plan: MethodPlan): Promise<JsonValue> {
  requireConnection(session);
  const { connection, library } = session.state;
  const settings = call.target.settings as GrpcSettings;
  return plan.kind === "unary" || plan.kind === "client_streaming"
    ? library.callOnce(connection, plan, call, settings)
    : library.gather(connection, plan, call, settings);
}

function requireConnection({ state, target }: Session<GrpcSession>): void {
  if (!state.library.isConnected(state.connection))
    fail("session-lost", `The connection with ${target.endpoint} has ended.`);
}

/** What tells who a session is, in the words of what all providers over HTTP share. */
function placeOf({ metadata, credential, secrets }: GrpcSettings): Parameters<Authorizer["open"]>[0] {
  return { headers: metadata, credential, secrets };
}

/** The handler, ready to register. Opens nothing and loads nothing heavy until the first session. */
export function createGrpcHandler(): GrpcSessionHandler {
  return new GrpcSessionHandler();
}
