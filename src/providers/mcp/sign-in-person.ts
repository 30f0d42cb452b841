import { randomBytes, randomUUID } from "node:crypto";

import {
  exchangeAuthorization,
  type DpopSession,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";

import { endOf, fetchThrough, type SignInRecord } from "../../http/index.ts";
import { fail, isLoopbackHost, oneLine, type JsonObject } from "../../kernel/index.ts";
import { createProofKey } from "./proof.ts";
import type { SignInJob } from "./sign-in-flow.ts";

/** For each question to the server or the issuer. */
const REQUEST_TIMEOUT_MS = 20_000;

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
    this.fetch = fetchThrough(job.dispatcher, { signal: job.signal, namedBy: job.url, timeoutMs: REQUEST_TIMEOUT_MS });
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

function withoutSlash(address: string): string {
  return address.replace(/\/$/, "");
}
