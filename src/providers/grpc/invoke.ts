import * as grpc from "@grpc/grpc-js";

import { abortError, CcosError, fail, isJsonObject, type JsonValue } from "../../kernel/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import { setMetadata, type Connection } from "./connect.ts";
import type { MethodPlan } from "./schema.ts";
import { BrokenAnswer } from "./status-error.ts";
import { statusOf } from "./status-of.ts";
import type { GrpcSettings } from "./target.ts";

const same = (bytes: Buffer): Buffer => bytes;

/** Hears when a connection has been chosen for a call, right before its headers leave: nothing else tells. */
class SentHook extends grpc.CallCredentials {
  readonly #sent: () => void;

  constructor(sent: () => void) {
    super();
    this.#sent = sent;
  }

  generateMetadata(): Promise<grpc.Metadata> {
    this.#sent();
    return NOTHING;
  }

  compose(): grpc.CallCredentials {
    return this;
  }

  _equals(other: grpc.CallCredentials): boolean {
    return this === other;
  }
}

// The transport takes this for "nothing to add", though its types do not say so.
const NOTHING = Promise.resolve(undefined) as unknown as Promise<grpc.Metadata>;

/** The input of a call as messages: one, or as many as a method takes that is sent a stream. */
export function requestsOf(plan: MethodPlan, input: JsonValue): Buffer[] {
  if (plan.kind === "unary" || plan.kind === "server_streaming") return [plan.encode(input ?? {})];
  const messages = isJsonObject(input) && Object.keys(input).length === 1 ? input["messages"] : input;
  if (!Array.isArray(messages)) {
    return fail("invalid-argument", `${plan.path} takes a stream of messages, and got something else.`, {
      remedy: "Call it with {:messages [{…} {…}]}, or with the list alone.",
    });
  }
  return messages.map((message, index) => plan.encode(message, `messages[${index}]`));
}

/** A call under way, whatever its kind. */
class Running {
  readonly options: grpc.CallOptions;
  readonly metadata: grpc.Metadata;
  readonly #connection: Connection;
  readonly #signal: AbortSignal;
  #call: grpc.Call | undefined;
  #answered = false;

  constructor(connection: Connection, call: SessionCall) {
    this.#connection = connection;
    this.#signal = call.signal;
    const remainingMs = call.remainingMs();
    this.options = {
      credentials: new SentHook(() => call.sent()),
      ...(Number.isFinite(remainingMs) && { deadline: Date.now() + Math.max(1, Math.ceil(remainingMs)) }),
    };
    // The transport copies it for itself.
    this.metadata = connection.metadata;
    if (call.headers !== undefined) {
      this.metadata = connection.metadata.clone();
      for (const [name, value] of Object.entries(call.headers)) setMetadata(this.metadata, name.toLowerCase(), value);
    }
  }

  started<T extends grpc.Call>(call: T): T {
    this.#call = call;
    this.#connection.calls.add(call);
    call.once("metadata", () => (this.#answered = true));
    return call;
  }

  readonly onAbort = (): void => this.#call?.cancel();

  ended(): void {
    if (this.#call !== undefined) this.#connection.calls.delete(this.#call);
  }

  /** What to throw for what the transport said. */
  failure(error: unknown): unknown {
    if (this.#signal.aborted) return abortError(this.#signal);
    return statusOf(error, { answered: this.#answered, connection: this.#connection });
  }
}

/** Runs a method that answers once. */
export function callOnce(
  connection: Connection,
  plan: MethodPlan,
  call: SessionCall,
  settings: GrpcSettings,
): Promise<JsonValue> {
  const requests = requestsOf(plan, call.input);
  const { client } = connection;
  const { signal } = call;
  return new Promise((resolve, reject) => {
    const running = new Running(connection, call);
    const onAbort = (): void => {
      running.onAbort();
      reject(abortError(signal));
    };
    const answered = (error: grpc.ServiceError | null, bytes?: Buffer): void => {
      signal.removeEventListener("abort", onAbort);
      running.ended();
      if (error !== null) reject(running.failure(error) as Error);
      else if (bytes === undefined) reject(new BrokenAnswer("The answer has no message."));
      else {
        try {
          resolve(plan.decode(bytes, settings.emitDefaults));
        } catch (broken) {
          reject(broken as Error);
        }
      }
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (plan.kind === "unary") {
      const [request] = requests as [Buffer];
      running.started(
        client.makeUnaryRequest(plan.path, same, same, request, running.metadata, running.options, answered),
      );
      return;
    }
    const stream = running.started(
      client.makeClientStreamRequest(plan.path, same, same, running.metadata, running.options, answered),
    );
    // How it ended is heard by the callback.
    stream.on("error", () => {});
    void writeAll(stream, requests).then(() => stream.end());
  });
}

/** Writes no faster than the peer reads. Ends early where the call does. */
async function writeAll(
  stream: grpc.ClientWritableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>,
  requests: readonly Buffer[],
): Promise<void> {
  for (const request of requests) {
    if (stream.destroyed || stream.writableEnded) return;
    if (stream.write(request)) continue;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ["drain", "close", "error"]) stream.removeListener(event, done);
        resolve();
      };
      for (const event of ["drain", "close", "error"]) stream.once(event, done);
    });
  }
}

/**
 * Runs a method that answers with a stream: each message when it is asked for. What nobody asks for yet stays with the
 * peer, by the flow control of HTTP/2. Leaving early cancels the call there.
 */
export async function* callStream(
  connection: Connection,
  plan: MethodPlan,
  call: SessionCall,
  settings: GrpcSettings,
): AsyncGenerator<{ readonly value: JsonValue; readonly bytes: number }, void, undefined> {
  const requests = requestsOf(plan, call.input);
  const { client } = connection;
  const { signal } = call;
  if (signal.aborted) throw abortError(signal);
  const running = new Running(connection, call);
  const { metadata, options } = running;
  let stream: grpc.ClientReadableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>;
  if (plan.kind === "server_streaming") {
    stream = running.started(
      client.makeServerStreamRequest(plan.path, same, same, requests[0] as Buffer, metadata, options),
    );
  } else {
    const duplex = client.makeBidiStreamRequest(plan.path, same, same, metadata, options);
    stream = running.started(duplex);
    void writeAll(duplex, requests).then(() => settings.halfClose && !duplex.destroyed && duplex.end());
  }
  // An iteration that has ended hears no more, and an error that nobody hears would end the process.
  stream.on("error", () => {});
  signal.addEventListener("abort", running.onAbort, { once: true });
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      if (signal.aborted) throw abortError(signal);
      yield { value: plan.decode(bytes, settings.emitDefaults), bytes: bytes.length };
    }
    if (signal.aborted) throw abortError(signal);
  } catch (error) {
    throw running.failure(error);
  } finally {
    signal.removeEventListener("abort", running.onAbort);
    running.ended();
    stream.cancel();
  }
}

/** All messages of a stream, for a plain call: as many as `:max_messages` allows. */
export async function gather(
  connection: Connection,
  plan: MethodPlan,
  call: SessionCall,
  settings: GrpcSettings,
): Promise<JsonValue> {
  const { maxMessages, maxResponseBytes } = settings;
  const messages: JsonValue[] = [];
  let total = 0;
  for await (const { value, bytes } of callStream(connection, plan, call, settings)) {
    total += bytes;
    if (messages.length === maxMessages || total > maxResponseBytes) {
      const limit = messages.length === maxMessages ? `${maxMessages} messages` : `${maxResponseBytes} bytes`;
      throw new CcosError(
        "invalid-argument",
        `${call.target.operation} at ${call.target.endpoint} answers with more than ${limit}.`,
        {
          remedy:
            "Call it as a stream (ccos call --stream, env.stream), or raise :max_messages or :max_response_bytes.",
          details: { executed: true },
        },
      );
    }
    messages.push(value);
  }
  return messages;
}
