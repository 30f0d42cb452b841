import { randomBytes, randomUUID } from "node:crypto";

import {
  auth,
  exchangeAuthorization,
  type DpopSession,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import type { Dispatcher } from "undici";

import { addressOf, endOf, fetchThrough, send, type SignInRecord } from "../../http/index.ts";
import { fail, isJsonObject, isLoopbackHost, oneLine, type Clock, type JsonObject } from "../../kernel/index.ts";
import type { SignInDialog, Target } from "../../session/handler.ts";
import { clientInfo } from "./client-info.ts";
import { signInByDevice } from "./device-flow.ts";
import { openLoopback, type Loopback } from "./loopback.ts";
import { oauthFailure } from "./oauth-failure.ts";
import { createProofKey } from "./proof.ts";
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

/** What the SDK asks of whoever keeps the state of a sign-in; it is kept here until the sign-in is whole. */
export class Person implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly fetch: typeof fetch;
  readonly stateText = randomBytes(24).toString("base64url");
  address: URL | undefined;
  client: StoredOAuthClientInformation | undefined;
  discovered: OAuthDiscoveryState | undefined;
  got: StoredOAuthTokens | undefined;
  readonly #job: SignInJob;
  #verifier = "";
  #resource: string | undefined;
  #proof: { readonly session: DpopSession; readonly key: JsonObject } | undefined;

  constructor(job: SignInJob, redirectUrl: string, registered: StoredOAuthClientInformation | undefined) {
    this.#job = job;
    this.redirectUrl = redirectUrl;
    const { clientId, clientSecret, issuer } = job.plan;
    const declared = clientId && {
      client_id: clientId,
      ...(clientSecret !== undefined && { client_secret: clientSecret }),
      ...(issuer !== undefined && { issuer }),
    };
    this.client = declared || registered;
    this.fetch = fetchThrough(job.dispatcher, { signal: job.signal, namedBy: job.url });
  }

  get clientMetadataUrl(): string | undefined {
    return this.#job.plan.clientMetadataUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: "ccos",
      redirect_uris: [this.redirectUrl],
      grant_types: this.#job.dialog.device
        ? ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
        : ["authorization_code", "refresh_token"],
      ...(!this.#job.dialog.device && { response_types: ["code"] }),
      application_type: "native",
    };
  }

  state(): string {
    return this.stateText;
  }

  clientInformation(at?: { readonly issuer: string }): StoredOAuthClientInformation | undefined {
    const { client } = this;
    // A client that is only named, without a secret, is nobody's to steal: it is the one of whoever is asked.
    return client === undefined || client.issuer !== undefined || at === undefined
      ? client
      : { ...client, issuer: at.issuer };
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    const secret = (client as { readonly client_secret?: string }).client_secret;
    if (secret !== undefined) this.#job.addSecret(secret);
    this.client = client;
  }

  // A sign-in is begun because a new one is wanted: what there was is not renewed here.
  tokens(): undefined {
    return undefined;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    for (const secret of [tokens.access_token, tokens.refresh_token, tokens.id_token])
      if (secret !== undefined) this.#job.addSecret(secret);
    this.got = tokens;
  }

  saveCodeVerifier(verifier: string): void {
    this.#job.addSecret(verifier);
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  redirectToAuthorization(address: URL): void {
    const isSafe = address.protocol === "https:" || (address.protocol === "http:" && isLoopbackHost(address.hostname));
    if (!isSafe)
      fail("permission-denied", `The issuer sends people to ${oneLine(address.origin)}, which is not encrypted.`);
    this.address = address;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    const issuer = state.authorizationServerMetadata?.issuer ?? state.authorizationServerUrl;
    const { issuer: wanted } = this.#job.plan;
    if (wanted !== undefined && withoutSlash(wanted) !== withoutSlash(issuer)) {
      fail("permission-denied", `The server names ${oneLine(issuer)} as its issuer, and :auth names ${wanted}.`, {
        remedy: "Correct :issuer if the server has moved.",
      });
    }
    this.discovered = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.discovered;
  }

  saveResourceUrl(resource: string): void {
    this.#resource = resource;
  }

  /** Tokens are bound to a key of ours where that is declared, or the server says that it wants it (RFC 9728). */
  async dpop(): Promise<DpopSession | undefined> {
    const resource = this.discovered?.resourceMetadata as Readonly<Record<string, unknown>> | undefined;
    const wanted = this.#job.plan.dpop || resource?.["dpop_bound_access_tokens_required"] === true;
    if (!wanted) return undefined;
    this.#proof ??= await createProofKey();
    return this.#proof.session;
  }

  /** Tokens for the code that the browser brought. Once: a code that is refused is not tried again. */
  async redeem(authorizationCode: string, iss: string | undefined): Promise<void> {
    const { discovered, client } = this;
    if (discovered === undefined || client === undefined) return;
    const { authorizationServerUrl, authorizationServerMetadata: metadata } = discovered;
    const proof = await this.dpop();
    const tokens = await exchangeAuthorization(authorizationServerUrl, {
      ...(metadata !== undefined && { metadata }),
      clientInformation: client,
      authorizationCode,
      ...(iss !== undefined && { iss }),
      codeVerifier: this.#verifier,
      redirectUri: this.redirectUrl,
      ...(this.#resource !== undefined && { resource: this.#resource }),
      ...(proof !== undefined && { dpop: proof }),
      fetchFn: this.fetch,
    });
    this.saveTokens(tokens);
  }

  /** Everything that is kept of a sign-in that is whole. */
  record(): SignInRecord {
    const { got, discovered, client } = this;
    const { clock, target } = this.#job;
    if (got === undefined || discovered === undefined || client === undefined)
      return fail("protocol-error", `Signing in for ${target.endpoint} ended without tokens.`);
    const obtainedAt = clock.now();
    const details = {
      client,
      authorizationServerUrl: discovered.authorizationServerUrl,
      metadata: discovered.authorizationServerMetadata,
      resource: this.#resource,
      redirectUrl: this.redirectUrl,
      proofKey: /^dpop$/i.test(got.token_type) ? this.#proof?.key : undefined,
    };
    return {
      id: randomUUID(),
      endpoint: target.endpoint,
      issuer: discovered.authorizationServerMetadata?.issuer ?? discovered.authorizationServerUrl,
      accessToken: got.access_token,
      tokenType: got.token_type,
      refreshToken: got.refresh_token,
      scope: got.scope ?? this.address?.searchParams.get("scope") ?? undefined,
      expiresAt: endOf(got.expires_in, obtainedAt),
      obtainedAt,
      details: JSON.parse(JSON.stringify(details)) as JsonObject,
    };
  }
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

function withoutSlash(address: string): string {
  return address.replace(/\/$/, "");
}
