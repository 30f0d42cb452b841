import { abortError, EventQueue, isCcosError, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
import { mediaTypeOf, readEvents, send, addressOf } from "../../http/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { readResponse, readValue } from "./map-value.ts";
import { bodyOf, readAnswer, type GraphqlRequest } from "./request.ts";
import { settingsOf } from "./target.ts";
import { WireError } from "./wire-error.ts";
import { stringifyJson, parseJson } from "../../kernel/index.ts";

/** What a subscription pushes into, whichever way it comes. */
interface Sink {
  /** A response, and how many bytes it took; false asks for a pause. */
  next(response: JsonValue, bytes: number, cursor?: string): boolean;
  end(): void;
  fail(error: unknown): void;
}

/** A subscription that runs. */
interface Source {
  pause(isPaused: boolean): void;
  leave(): void;
}

/** What one piece of a connection may bring after the pause: small messages in 64 KiB. */
const AFTER_PAUSE = 2_048;

/**
 * Starts a subscription when its first event is asked for. `prepare` gives the request; what fails, fails the iteration.
 * The server is put under back-pressure where the consumer is slow, as far as nothing else needs the connection.
 */
export function subscribe(
  connection: Connection,
  call: SessionCall,
  prepare: () => GraphqlRequest | Promise<GraphqlRequest>,
): AsyncIterable<StreamEvent> {
  return {
    [Symbol.asyncIterator]: () => {
      const { signal } = call;
      const { maxBufferedEvents, operation, onError } = settingsOf(call.target);
      const stop = new AbortController();
      let source: Source | undefined;
      const leave = (): void => {
        signal.removeEventListener("abort", onAbort);
        stop.abort();
        source?.leave();
      };
      const queue = new EventQueue<StreamEvent>({
        what: `The subscription ${JSON.stringify(call.target.operation)}`,
        limit: maxBufferedEvents + AFTER_PAUSE,
        highWater: Math.ceil(maxBufferedEvents / 4),
        onDrain: () => source?.pause(false),
        onLeave: leave,
      });
      const fail = (error: unknown): void => {
        queue.fail(error);
        leave();
      };
      const onAbort = (): void => fail(abortError(signal));
      const sink: Sink = {
        next(response, bytes, cursor) {
          try {
            const value = readItem(response, { kind: operation.kind, resultField: operation.resultField, onError });
            const hasRoom = queue.push({ type: "data", value, ...(cursor !== undefined && { cursor }) }, bytes);
            if (!hasRoom) source?.pause(true);
            return hasRoom;
          } catch (error) {
            fail(error);
            return true;
          }
        },
        end() {
          queue.end();
          leave();
        },
        fail,
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
      void (async () => {
        try {
          const request = await prepare();
          if (stop.signal.aborted) return;
          source = await start(connection, call, request, sink, stop.signal);
          if (stop.signal.aborted) source.leave();
        } catch (error) {
          fail(error);
        }
      })();
      return queue;
    },
  };
}

/** An item as its value: errors of fields are kept with it, as `onError` says; errors of the request end the stream. */
function readItem(value: JsonValue, rules: Parameters<typeof readValue>[1]): JsonValue {
  const response = readResponse(value);
  if (response.data === null && response.errors.length > 0 && rules.onError === "keep") {
    return { data: null, errors: response.errors.map(({ raw }) => raw) };
  }
  return readValue(response, rules);
}

async function start(
  connection: Connection,
  call: SessionCall,
  request: GraphqlRequest,
  sink: Sink,
  signal: AbortSignal,
): Promise<Source> {
  const { subscriptions } = settingsOf(call.target);
  const { transport } = subscriptions;
  if (transport === "sse" || (transport === "auto" && connection.hasNoSocket)) {
    return overEvents(connection, call, request, sink, signal);
  }
  try {
    return overSocket(await connection.socket(), call, request, sink);
  } catch (error) {
    if (transport !== "auto" || !isSocketRefused(error)) throw error;
    connection.hasNoSocket = true;
    return overEvents(connection, call, request, sink, signal);
  }
}

/** The server answers at this address, and not with a socket. */
function isSocketRefused(error: unknown): boolean {
  if (isCcosError(error) || !(error instanceof WireError)) return false;
  const { failure } = error;
  if (failure.kind === "status") return [200, 400, 404, 405, 406, 426, 501].includes(failure.answer.status);
  return failure.kind === "closed" && failure.code === 1006;
}

function overSocket(
  socket: Awaited<ReturnType<Connection["socket"]>>,
  call: SessionCall,
  request: GraphqlRequest,
  sink: Sink,
): Source {
  if (socket.isOpen) call.sent();
  return socket.run(request, {
    next: (response, bytes) => void sink.next(response, bytes),
    refused: (errors) => void sink.next({ errors }, 0),
    complete: () => sink.end(),
    failed: (error) => sink.fail(error),
  });
}

/** Distinct connections mode: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode */
async function overEvents(
  connection: Connection,
  call: SessionCall,
  request: GraphqlRequest,
  sink: Sink,
  signal: AbortSignal,
): Promise<Source> {
  const { subscriptions, place } = settingsOf(call.target);
  const link = connection.link();
  const response = await send(link.dispatcher, addressOf(subscriptions.url), {
    method: "POST",
    headers: {
      ...connection.subscriptionHeaders(),
      ...call.headers,
      accept: "text/event-stream",
      "content-type": "application/json",
      ...(call.resumeAfter !== undefined && { "last-event-id": call.resumeAfter }),
    },
    body: stringifyJson(bodyOf(request)),
    signal,
    started: () => call.sent(),
    underWay: link.underWay,
  });
  if (mediaTypeOf(response) !== "text/event-stream" || response.status !== 200) {
    // Errors of the request come as an ordinary answer, and some servers give a subscription's first value so.
    const { data, errors } = await readAnswer(response, place.maxResponseBytes, link.now());
    if (data !== undefined && errors.length === 0)
      throw new WireError({ kind: "content", mediaType: mediaTypeOf(response) });
    sink.next({ errors: errors.map(({ raw }) => raw) }, 0);
    return { pause: () => {}, leave: () => {} };
  }
  let isComplete = false;
  const reading = readEvents(response, {
    limit: place.maxResponseBytes,
    onEvent: ({ event, data, id }) => {
      if (event === "complete") return (isComplete = true);
      // Anything else than the protocol's two events is a comment or a beat of the server's own.
      if (event !== "next") return false;
      let value: JsonValue;
      try {
        value = parseJson(data);
      } catch {
        throw new WireError({ kind: "broken", text: "An event of the stream holds no JSON." });
      }
      sink.next(value, data.length, id);
      return false;
    },
  });
  reading.then(
    () => {
      if (isComplete) sink.end();
      else
        sink.fail(new WireError({ kind: "closed", code: 1006, reason: "the stream of events broke off", sent: true }));
    },
    (error: unknown) => sink.fail(error),
  );
  return {
    pause: (isPaused) => (isPaused ? response.pause() : response.resume()),
    leave: () => {
      if (!isComplete) response.destroy(new Error("The stream was left."));
    },
  };
}
