import {
  discoverOAuthServerInfo,
  registerClient,
  selectClientAuthMethod,
  selectResourceURL,
  type StoredOAuthClientInformation,
} from "@modelcontextprotocol/client";
import * as oauth from "oauth4webapi";

import type { SignInRecord } from "../../http/index.ts";
import { fail, isLoopbackHost, sleep } from "../../kernel/index.ts";
import type { SignInJob } from "./sign-in-flow.ts";
import type { Person } from "./sign-in-person.ts";
import { unionOfScopes } from "./sign-in-plan.ts";

const DEFAULT_INTERVAL_S = 5;

export interface DeviceOptions {
  readonly scope?: string;
  readonly resourceMetadataUrl?: URL;
}

/** The device flow (RFC 8628): the person types a code in somewhere else, and we ask now and then whether they have. */
export async function signInByDevice(job: SignInJob, person: Person, options: DeviceOptions): Promise<SignInRecord> {
  const { url, target, clock, signal, dialog } = job;
  const { resourceMetadataUrl } = options;
  const found = await discoverOAuthServerInfo(url, {
    fetchFn: person.fetch,
    ...(resourceMetadataUrl && { resourceMetadataUrl }),
  });
  const { authorizationServerMetadata: metadata, resourceMetadata } = found;
  person.saveDiscoveryState({
    ...found,
    ...(resourceMetadataUrl && { resourceMetadataUrl: resourceMetadataUrl.href }),
  });
  const endpoint = (metadata as { readonly device_authorization_endpoint?: unknown } | undefined)
    ?.device_authorization_endpoint;
  if (metadata === undefined || typeof endpoint !== "string") {
    return fail("rejected", `The issuer of ${target.endpoint} offers no signing in by a code on another device.`, {
      remedy: "Leave out --device; --no-browser prints the address.",
    });
  }
  // The server's own word for itself, checked against where it is.
  await selectResourceURL(url, person, resourceMetadata);
  const resource = resourceMetadata?.resource;
  if (resource !== undefined) person.saveResourceUrl(resource);
  // As the SDK chooses it for the flow with a browser.
  const wanted = options.scope ?? unionOfScopes(resourceMetadata?.scopes_supported?.join(" "));
  const isOffered = metadata.scopes_supported?.includes("offline_access") === true;
  const scope = wanted !== undefined && isOffered ? unionOfScopes(wanted, "offline_access") : wanted;
  const client = person.client ?? (await introduce(person, scope, found.authorizationServerUrl, metadata));
  const { client_secret: secret } = client as { readonly client_secret?: string };
  const authentication = authenticationBy(
    selectClientAuthMethod(client, metadata.token_endpoint_auth_methods_supported ?? []),
    secret ?? "",
  );
  const server = metadata as unknown as oauth.AuthorizationServer;
  const known: oauth.Client = { client_id: client.client_id };
  const proof = await person.dpop();
  if (proof !== undefined)
    fail("unimplemented", "Tokens that are bound to a key are not asked for by a code.", {
      remedy: "Leave out --device.",
    });
  const web = {
    [oauth.customFetch]: person.fetch,
    [oauth.allowInsecureRequests]: isLoopbackHost(new URL(endpoint).hostname),
    signal,
  };
  const parameters = {
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
  };
  const asked = await oauth.processDeviceAuthorizationResponse(
    server,
    known,
    await oauth.deviceAuthorizationRequest(server, known, authentication, parameters, web),
  );
  job.addSecret(asked.device_code);
  const shown = new URL(asked.verification_uri_complete ?? asked.verification_uri);
  if (shown.protocol !== "https:" && !isLoopbackHost(shown.hostname))
    fail("permission-denied", `The issuer sends people to ${shown.origin}, which is not encrypted.`);
  await dialog.visit(shown, asked.user_code);
  const givenMs = Math.min(dialog.waitMs ?? Infinity, asked.expires_in * 1000);
  let intervalMs = (asked.interval ?? DEFAULT_INTERVAL_S) * 1000;
  for (const since = clock.monotonic(); ;) {
    await sleep(clock, intervalMs, signal);
    if (clock.monotonic() - since > givenMs)
      fail("deadline-exceeded", "The code was not typed in in time.", { remedy: "Run it again." });
    try {
      const additionalParameters: Record<string, string> = resource === undefined ? {} : { resource };
      const tokens = await oauth.processDeviceCodeResponse(
        server,
        known,
        await oauth.deviceCodeGrantRequest(server, known, authentication, asked.device_code, {
          ...web,
          additionalParameters,
        }),
      );
      const { access_token, refresh_token, scope: granted, expires_in, token_type } = tokens;
      person.saveTokens({
        access_token,
        token_type,
        ...(refresh_token !== undefined && { refresh_token }),
        ...((granted ?? scope) !== undefined && { scope: granted ?? scope }),
        ...(expires_in !== undefined && { expires_in }),
        issuer: metadata.issuer,
      } as never);
      return person.record();
    } catch (error) {
      const { error: word, error_description: words } = error as {
        readonly error?: unknown;
        readonly error_description?: unknown;
      };
      if (word === "slow_down") intervalMs += 5000;
      else if (word !== "authorization_pending") {
        if (typeof word !== "string") throw error;
        throw Object.assign(new Error(typeof words === "string" ? words : word), { name: "OAuthError", code: word });
      }
    }
  }
}

async function introduce(
  person: Person,
  scope: string | undefined,
  at: string,
  metadata: NonNullable<Parameters<typeof registerClient>[1]["metadata"]>,
): Promise<StoredOAuthClientInformation> {
  const { clientMetadataUrl } = person;
  const takesDocuments = metadata.client_id_metadata_document_supported === true;
  const client =
    takesDocuments && clientMetadataUrl !== undefined
      ? { client_id: clientMetadataUrl, issuer: metadata.issuer }
      : {
          ...(await registerClient(at, {
            metadata,
            clientMetadata: person.clientMetadata,
            fetchFn: person.fetch,
            ...(scope !== undefined && { scope }),
          })),
          issuer: metadata.issuer,
        };
  person.saveClientInformation(client);
  return client;
}

function authenticationBy(method: string, secret: string): oauth.ClientAuth {
  if (method === "client_secret_basic") return oauth.ClientSecretBasic(secret);
  return method === "client_secret_post" ? oauth.ClientSecretPost(secret) : oauth.None();
}
