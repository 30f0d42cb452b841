import { createPrivateKey, type KeyObject } from "node:crypto";

import * as oauth from "oauth4webapi";

import { fail } from "../kernel/index.ts";
import type { OAuthPlan } from "./oauth-plan.ts";

/** How the client of a plan says who it is at the token endpoint. Throws `invalid-argument` for a key that is none. */
export function clientAuthenticationOf(plan: OAuthPlan): oauth.ClientAuth {
  switch (plan.clientAuthentication) {
    case "client_secret_basic":
      return basic(plan.clientSecret ?? "");
    case "client_secret_post":
      return oauth.ClientSecretPost(plan.clientSecret ?? "");
    case "private_key_jwt":
      return oauth.PrivateKeyJwt(readKey(plan));
    case "none":
      return oauth.None();
  }
}

/**
 * RFC 6749, section 2.3.1: both parts form-encoded. What form encoding may leave as it is stays as it is, as servers
 * that do not decode are common.
 */
function basic(secret: string): oauth.ClientAuth {
  const encode = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);
  return (_server, client, _body, headers) => {
    const pair = `${encode(client.client_id)}:${encode(secret)}`;
    headers.set("authorization", `Basic ${Buffer.from(pair, "utf8").toString("base64")}`);
  };
}

/** A key for assertions, from PEM (PKCS #8, SEC 1 or PKCS #1) or a JWK. */
function readKey(plan: OAuthPlan): oauth.PrivateKey {
  const text = (plan.privateKey ?? "").replaceAll("\\n", "\n");
  let key: KeyObject;
  let kid = plan.keyId;
  try {
    if (text.trimStart().startsWith("{")) {
      const jwk = JSON.parse(text) as { readonly kid?: string };
      key = createPrivateKey({ key: jwk as never, format: "jwk" });
      kid ??= jwk.kid;
    } else key = createPrivateKey(text);
  } catch (error) {
    return fail("invalid-argument", `The private key in ${plan.source} is neither PEM nor a JWK.`, { cause: error });
  }
  const algorithm = algorithmOf(key, plan);
  const cryptoKey = key.toCryptoKey(algorithm, false, ["sign"]);
  return { key: cryptoKey as oauth.PrivateKey["key"], ...(kid !== undefined && { kid }) };
}

function algorithmOf(key: KeyObject, plan: OAuthPlan): Parameters<KeyObject["toCryptoKey"]>[0] {
  switch (key.asymmetricKeyType) {
    case "ec": {
      const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[
        key.asymmetricKeyDetails?.namedCurve ?? ""
      ];
      if (curve !== undefined) return { name: "ECDSA", namedCurve: curve };
      break;
    }
    case "rsa":
      return { name: plan.algorithm?.startsWith("PS") ? "RSA-PSS" : "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    case "ed25519":
      return { name: "Ed25519" };
    default:
      break;
  }
  return fail("invalid-argument", `The private key in ${plan.source} is of a kind that signs no assertions.`, {
    remedy: "Use a key for ES256, RS256, PS256 or EdDSA.",
  });
}
