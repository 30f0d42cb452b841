import { fail } from "../../kernel/index.ts";
import {
  chooseCredential,
  partHeaders,
  requireEncryption,
  withQuery,
  wordOf,
  type HttpPlace,
} from "../../http/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";

/** Where and how subscriptions are asked for. */
export interface SubscriptionPlace {
  /** `auto`: over a WebSocket, and where the server refuses that, over server-sent events. */
  readonly transport: "auto" | "ws" | "sse";
  /** The http or https form of the URL. */
  readonly url: URL;
  readonly origin: string;
  /** With what a credential adds for this origin. */
  readonly headers: Readonly<Record<string, string>>;
  /** The headers are those of the endpoint, and so get its tokens. */
  readonly sharesOrigin: boolean;
  readonly credentials: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly shape: string;
}

/**
 * Reads `:subscription_url` (absolute, or relative to the endpoint; default: the endpoint) and `:subscription_transport`.
 * Where it is of another origin, the credential is asked for anew: a token goes only where it may.
 */
export function readSubscriptionPlace(
  capability: SessionCapability,
  context: TargetContext,
  place: HttpPlace,
): SubscriptionPlace {
  const { read } = place;
  const id = JSON.stringify(capability.id);
  const declared = read("subscription_url") ?? "";
  const given =
    declared === ""
      ? place.url
      : URL.canParse(declared, place.url.href)
        ? new URL(declared, place.url.href)
        : undefined;
  if (
    given === undefined ||
    !/^(?:https?|wss?):$/.test(given.protocol) ||
    given.username !== "" ||
    given.password !== ""
  ) {
    return fail("invalid-argument", `:subscription_url of ${id} is no ws, wss, http or https URL.`, {
      remedy: "Correct it; credentials belong into a variable, named by :auth_env_var.",
    });
  }
  const transport = wordOf(read("subscription_transport") ?? "") || (given.protocol.startsWith("ws") ? "ws" : "auto");
  if (transport !== "auto" && transport !== "ws" && transport !== "sse") {
    return fail("invalid-argument", `:subscription_transport of ${id} is none of its values.`, {
      remedy: 'Use "auto", "ws" or "sse".',
    });
  }
  const plain = new URL(given.href.replace(/^ws/, "http"));
  plain.hash = "";
  // How a subscription is asked for is each call's own; where a socket leads is the session's.
  const shape = declared === "" ? "" : given.origin + given.pathname;
  if (plain.origin === place.url.origin) {
    const url = withQuery(plain, place.query);
    const { headers } = place;
    return { transport, url, origin: plain.origin, headers, sharesOrigin: true, credentials: {}, secrets: [], shape };
  }
  const credential = chooseCredential({ capability, context, read, url: plain });
  requireEncryption(plain, credential.credentials, capability.id);
  const own = Object.keys(place.credential.headers);
  // What looks like a secret stays with the endpoint that it was declared for.
  const shared = Object.entries(partHeaders(place.headers).shown).filter(([name]) => !own.includes(name));
  return {
    transport,
    url: withQuery(plain, credential.query),
    origin: plain.origin,
    headers: { ...Object.fromEntries(shared), ...credential.headers },
    sharesOrigin: false,
    credentials: credential.credentials,
    secrets: credential.secrets,
    shape,
  };
}
