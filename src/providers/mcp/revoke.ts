import { selectClientAuthMethod } from "@modelcontextprotocol/client";
import * as oauth from "oauth4webapi";
import type { Dispatcher } from "undici";

import { fetchThrough, type SignInRecord } from "../../http/index.ts";
import { isJsonObject, isLoopbackHost } from "../../kernel/index.ts";
import type { SessionContext } from "../../session/handler.ts";

const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Tells the issuer that the tokens of a sign-in are not needed any more (RFC 7009), where it wants to hear that. Never
 * throws: they are forgotten here in any case, and end by themselves there.
 */
export async function revoke(record: SignInRecord, dispatcher: Dispatcher, context: SessionContext): Promise<void> {
  const { metadata, client } = record.details;
  const endpoint = isJsonObject(metadata) ? metadata["revocation_endpoint"] : undefined;
  if (typeof endpoint !== "string" || !URL.canParse(endpoint) || !isJsonObject(client)) return;
  const url = new URL(endpoint);
  // Only to the issuer itself: an endpoint elsewhere was not agreed to by anybody.
  if (url.origin !== new URL(record.issuer).origin) return;
  const methods = (metadata as { readonly revocation_endpoint_auth_methods_supported?: string[] })
    .revocation_endpoint_auth_methods_supported;
  const method = selectClientAuthMethod(client as never, methods ?? []);
  const { client_id: id, client_secret: given } = client;
  if (typeof id !== "string") return;
  const secret = typeof given === "string" ? given : "";
  const authentication =
    method === "client_secret_basic"
      ? oauth.ClientSecretBasic(secret)
      : method === "client_secret_post"
        ? oauth.ClientSecretPost(secret)
        : oauth.None();
  const options = {
    [oauth.customFetch]: fetchThrough(dispatcher, {
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    }),
    [oauth.allowInsecureRequests]: isLoopbackHost(url.hostname),
  };
  const server = metadata as unknown as oauth.AuthorizationServer;
  const known: oauth.Client = { client_id: id };
  for (const token of [record.refreshToken, record.accessToken]) {
    if (token === undefined) continue;
    await oauth.revocationRequest(server, known, authentication, token, options).catch(() => {});
  }
}
