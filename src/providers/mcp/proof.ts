import { DpopSession } from "@modelcontextprotocol/client";

import { send, type HttpAddress, type HttpRequest, type HttpResponse } from "../../http/index.ts";
import type { JsonObject } from "../../kernel/index.ts";

/** Sends one request; `send` is one. */
export type Sending = typeof send;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;

/** A new key that tokens are bound to (RFC 9449), and the same as JSON, to be kept with them. */
export async function createProofKey(): Promise<{ readonly session: DpopSession; readonly key: JsonObject }> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const key = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as unknown as JsonObject;
  return { session: await readProofKey(key), key };
}

export async function readProofKey(key: JsonObject): Promise<DpopSession> {
  const { crv, kty, x, y, d } = key as Record<string, string>;
  const privateKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y, d } as never, ALGORITHM, false, ["sign"]);
  const publicJwk = { kty: String(kty), crv: String(crv), x: String(x), y: String(y) };
  const publicKey = await crypto.subtle.importKey("jwk", publicJwk, ALGORITHM, true, ["verify"]);
  // RFC 7638: its members in this order, without spaces.
  const members = JSON.stringify({ crv, kty, x, y });
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(members, "utf8"));
  const thumbprint = Buffer.from(digest).toString("base64url");
  return DpopSession.create({ keyPair: { privateKey, publicKey, publicJwk, thumbprint, alg: "ES256" } as never });
}

/**
 * Sending with a fresh proof for each request that we hold the key (RFC 9449, section 7). A server that wants its own
 * nonce in the proof says so in its refusal, and is asked again once: it has done nothing yet.
 */
export function sendingWithProof(session: DpopSession, accessToken: string): Sending {
  return async (dispatcher, to, request) => {
    const answer = await sendOnce(session, accessToken, dispatcher, to, request);
    if (answer.status !== 401 || !/use_dpop_nonce/.test(answer.header("www-authenticate") ?? "")) return answer;
    await answer.discard();
    return sendOnce(session, accessToken, dispatcher, to, request);
  };
}

async function sendOnce(
  session: DpopSession,
  accessToken: string,
  dispatcher: Parameters<Sending>[0],
  to: HttpAddress,
  request: HttpRequest,
): Promise<HttpResponse> {
  const url = to.origin + to.path;
  const proof = await session.buildProof({ htm: request.method, htu: url, accessToken });
  const answer = await send(dispatcher, to, { ...request, headers: { ...request.headers, dpop: proof } });
  const nonce = answer.header("dpop-nonce");
  if (nonce !== undefined) session.rememberNonce(url, nonce);
  return answer;
}
