import { fail, type JsonObject } from "../../kernel/index.ts";
import { addressOf, readHttpPlace, withQuery, wordOf, type HttpAddress, type HttpPlace } from "../../http/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { readLogin, type LoginPlan } from "./login-plan.ts";
import type { OnError } from "./map-value.ts";
import { readOperation, type OperationSpec } from "./operation.ts";
import { readSecretTemplate } from "./secret-template.ts";
import { readSubscriptionPlace, type SubscriptionPlace } from "./subscription-place.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

export interface GraphqlSettings {
  readonly place: HttpPlace;
  readonly url: URL;
  readonly address: HttpAddress;
  readonly operation: OperationSpec;
  /** `ws`: queries and mutations go over the socket too, and the socket is the session. */
  readonly transport: "http" | "ws";
  /** How queries are sent. */
  readonly method: "GET" | "POST";
  readonly persistedQueries: boolean;
  readonly introspection: "auto" | "always" | "never";
  readonly onError: OnError;
  /** Whether opening a session asks the server something. */
  readonly handshake: boolean;
  readonly login: LoginPlan | undefined;
  readonly subscriptions: SubscriptionPlace;
  /** The payload of `connection_init`. */
  readonly connectionInit: JsonObject | undefined;
  readonly maxBufferedEvents: number;
}

const DEFAULT_BUFFERED_EVENTS = 1_024;
const MOST_BUFFERED_EVENTS = 1_000_000;

/** Where, as whom and with what a capability is called, read from its metadata and the environment. */
export function readTarget(capability: SessionCapability, context: TargetContext): Target {
  const place = readHttpPlace(capability, context, {
    provider: PROVIDER,
    urlKey: "endpoint",
    aliases: ALIASES,
    reserved: ["accept", "content-type", "last-event-id", "sec-websocket-*"],
  });
  const { read } = place;
  const operation = readOperation(capability.id, read);
  const choose = <T extends string>(key: string, fallback: T, ...values: readonly T[]): T =>
    readChoice(capability, key, read(key), fallback, values);
  const transport = choose("transport", "http", "http", "ws");
  const subscriptions = readSubscriptionPlace(capability, context, place);
  const init = readSecretTemplate("connection_init", capability, context, subscriptions.origin);
  const login = readLogin(capability, context, place.url.origin);
  const url = withQuery(place.url, place.query);
  const settings: GraphqlSettings = {
    place,
    url,
    address: addressOf(url),
    operation,
    transport,
    method: choose("method", "post", "get", "post") === "get" ? "GET" : "POST",
    persistedQueries: choose("persisted_queries", "false", "true", "false") === "true",
    introspection: choose("introspection", "auto", "auto", "always", "never"),
    onError: choose("on_error", "keep", "keep", "fail", "data"),
    handshake: choose("handshake", isPooled(read("requires_session")) ? "true" : "false", "true", "false") === "true",
    login,
    subscriptions,
    connectionInit: init?.value,
    maxBufferedEvents: readCount(capability, "max_buffered_events", read("max_buffered_events")),
  };
  return {
    ...place.target,
    credentials: {
      ...place.target.credentials,
      ...subscriptions.credentials,
      ...init?.credentials,
      ...login?.credentials,
    },
    credentialSource: place.target.credentialSource ?? login?.source ?? init?.source,
    shape: {
      ...place.target.shape,
      transport,
      handshake: String(settings.handshake),
      subscriptions: subscriptions.shape,
      connection_init: init?.shape ?? "",
      login: login?.shape ?? "",
    },
    operation: operation.form === "field" ? operation.field : (operation.name ?? operation.kind),
    // Only mutations have effects: https://spec.graphql.org/September2025/#sec-Mutation
    idempotent: operation.kind === "mutation" ? undefined : true,
    settings,
  };
}

export function settingsOf(target: Target): GraphqlSettings {
  return target.settings as GraphqlSettings;
}

/** What must not be shown: registered when a session opens. */
export function secretsOf(target: Target): readonly string[] {
  const { place, subscriptions } = settingsOf(target);
  const values = Object.entries(target.credentials).filter(([name]) => !name.startsWith("username"));
  return [...place.secrets, ...subscriptions.secrets, ...values.map(([, value]) => value)];
}

function isPooled(requiresSession: string | undefined): boolean {
  return requiresSession !== undefined && wordOf(requiresSession) !== "false";
}

function readChoice<T extends string>(
  { id }: SessionCapability,
  key: string,
  text: string | undefined,
  fallback: T,
  values: readonly T[],
): T {
  const word = wordOf(text ?? "");
  if (word === "") return fallback;
  if ((values as readonly string[]).includes(word)) return word as T;
  return fail("invalid-argument", `:${key} of ${JSON.stringify(id)} is none of its values.`, {
    remedy: `Use ${values.map((value) => JSON.stringify(value)).join(" or ")}.`,
  });
}

function readCount({ id }: SessionCapability, key: string, text: string | undefined): number {
  const count = Number(text ?? DEFAULT_BUFFERED_EVENTS);
  if (!Number.isSafeInteger(count) || count < 1 || count > MOST_BUFFERED_EVENTS) {
    fail("invalid-argument", `:${key} of ${JSON.stringify(id)} is no whole number from 1 to ${MOST_BUFFERED_EVENTS}.`);
  }
  return count;
}
