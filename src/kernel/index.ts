export { canonicalJson } from "./canonical-json.ts";
export { systemClock, type Clock, type Timer } from "./clock.ts";
export { createEmitter, type Emitter, type Listener, type Unsubscribe } from "./emitter.ts";
export {
  CcosError,
  ERROR_TABLE,
  fail,
  isCcosError,
  toCcosError,
  type ErrorCode,
  type ErrorJson,
  type ErrorOptions,
  type ErrorOrigin,
  type ErrorPlace,
  type ErrorTraits,
  type RetryAdvice,
} from "./errors.ts";
export { EventQueue, type EventQueueOptions } from "./event-queue.ts";
export { completeForm, fieldProblem, type FilledForm, type FormChoice, type FormField } from "./form.ts";
export type { Answer, Asker, FormQuestion, Interaction, LinkQuestion, Question, Root } from "./interaction.ts";
export type { BreakerState, CallEvent, PolicyEvent, RefusalCause, RuntimeEvents, SessionEvent } from "./events.ts";
export {
  getOwn,
  isJsonObject,
  nestsDeeperThan,
  parseJson,
  setOwn,
  stringifyInput,
  stringifyJson,
  type JsonObject,
  type JsonValue,
} from "./json.ts";
export { parsePath, valueAt, type JsonPath } from "./json-path.ts";
export { isLoopbackHost } from "./loopback.ts";
export { createId, createSeededRandom, randomInteger, systemRandom, type Random } from "./random.ts";
export { readRateHeaders, type RateNews } from "./rate-headers.ts";
export { Roster, type RosterMember } from "./roster.ts";
export { createRedactor, isSecretName, redactError, type Redactor } from "./redaction.ts";
export { abortError, sleep, startDeadline, throwIfAborted, untilAborted, type Deadline } from "./signals.ts";
export type { DataEvent, LogEvent, ProgressEvent, ResultEvent, StreamEvent } from "./stream-event.ts";
export type { AttemptTrace, CallTracing, SpanAttributes } from "./tracing.ts";
export { didYouMean, nearestNames, oneLine, stripControls } from "./text.ts";
