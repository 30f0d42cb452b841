import { auth, type StoredOAuthClientInformation } from "@modelcontextprotocol/client";
import type { Dispatcher } from "undici";

import { addressOf, send, type SignInRecord } from "../../http/index.ts";
import { fail, isJsonObject, type Clock } from "../../kernel/index.ts";
import type { SignInDialog, Target } from "../../session/handler.ts";
import { clientInfo } from "./client-info.ts";
import { signInByDevice } from "./device-flow.ts";
import { openLoopback, type Loopback } from "./loopback.ts";
import { oauthFailure } from "./oauth-failure.ts";
import { Person } from "./sign-in-person.ts";
import { readChallenge, unionOfScopes, type Challenge, type SignInPlan } from "./sign-in-plan.ts";

export interface SignInJob {
  readonly target: Target;
  /** With what a credential adds to the query. */
  readonly url: URL;
  readonly plan: SignInPlan;
  readonly dialog: SignInDialog;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What the server said when it refused a call; undefined: it is asked. */
  readonly challenge: Challenge | undefined;
  /** What an earlier sign-in left. */
  readonly earlier: SignInRecord | undefined;
  addSecret(secret: string): void;
}

const DEFAULT_WAIT_MS = 300_000;
const PROBE_TIMEOUT_MS = 15_000;

/**
 * Signs a person in: finds the issuer by what the server says of itself (RFC 9728, RFC 8414, OpenID discovery),
 * introduces us there (a known client id, the address of a document, or registration, RFC 7591), and takes them
 * through the authorization code flow with PKCE (S256) and a redirect to this machine, or through the device flow
 * (RFC 8628). Tokens are asked for this server alone (RFC 8707).
 */
export async function signIn(job: SignInJob): Promise<SignInRecord> {
  const { dialog, target } = job;
  const where = `Signing in for ${target.endpoint}`;
  const challenge = job.challenge ?? (await askForChallenge(job));
  const scope = unionOfScopes(job.earlier?.scope, dialog.scope, job.plan.scope, challenge?.scope);
  const known = clientOf(job.earlier);
  // The port that the client was registered with, where it is free: few issuers leave it open.
  const usual = dialog.port ?? Number(URL.parse(text(job.earlier?.details["redirectUrl"]))?.port ?? 0);
  let loopback: Loopback;
  try {
    loopback = await openLoopback(usual).catch((error: unknown) =>
      dialog.port === undefined ? openLoopback(0) : Promise.reject(error as Error),
    );
  } catch (error) {
    return fail("invalid-argument", `${where} failed: ${(error as Error).message}`, { remedy: "Name another --port." });
  }
  await using listening = loopback;
  const registered = usual !== 0 && listening.redirectUrl === job.earlier?.details["redirectUrl"] ? known : undefined;
  const person = new Person(job, listening.redirectUrl, registered);
  const options = {
    serverUrl: job.url,
    fetchFn: person.fetch,
    ...(scope !== undefined && { scope }),
    ...(challenge?.resourceMetadata !== undefined &&
      URL.canParse(challenge.resourceMetadata) && { resourceMetadataUrl: new URL(challenge.resourceMetadata) }),
  };
  try {
    if (dialog.device === true) return await signInByDevice(job, person, options);
    if ((await auth(person, options)) !== "AUTHORIZED") {
      const waitMs = dialog.waitMs ?? DEFAULT_WAIT_MS;
      // Listened for before the browser is sent off, which may come back at once.
      const coming = listening.callback(person.stateText, { ...job, waitMs });
      coming.catch(() => {});
      await dialog.visit(person.address as URL);
      const brought = await coming;
      const refusal = brought.get("error");
      if (refusal !== null)
        throw Object.assign(new Error(brought.get("error_description") ?? refusal), {
          code: refusal,
          name: "OAuthError",
        });
      const authorizationCode =
        brought.get("code") ?? fail("protocol-error", `${where} failed: the browser came back without a code.`);
      await person.redeem(authorizationCode, brought.get("iss") ?? undefined);
    }
    return person.record();
  } catch (error) {
    if (job.signal.aborted) throw job.signal.reason;
    throw oauthFailure(error, target, where);
  }
}

/** What the server says to somebody without a credential. */
async function askForChallenge({ url, dispatcher, signal }: SignInJob): Promise<Challenge | undefined> {
  const { name, version } = clientInfo();
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version } };
  const answer = await send(dispatcher, addressOf(url), {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
  }).catch(() => undefined);
  if (answer === undefined) return undefined;
  answer.destroy(new Error("Its body is of no interest."));
  return answer.status === 401 || answer.status === 403 ? readChallenge(answer.header("www-authenticate")) : undefined;
}

function clientOf(record: SignInRecord | undefined): StoredOAuthClientInformation | undefined {
  const client = record?.details["client"];
  return isJsonObject(client) && typeof client["client_id"] === "string"
    ? (client as unknown as StoredOAuthClientInformation)
    : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
