import { fail, getOwn, isJsonObject, type JsonObject } from "../../kernel/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";
import { outlineOf } from "./operation-text.ts";
import { readSecretTemplate } from "./secret-template.ts";

/** An operation that opens a session: its answer gives cookies, or a token. */
export interface LoginPlan {
  readonly text: string;
  readonly variables: JsonObject;
  /** Where in the data of the answer the token stands; undefined where the answer gives cookies. */
  readonly tokenPath: readonly string[] | undefined;
  /** Runs when the session ends, with what the login gave; undefined: the server is not told. */
  readonly logout: string | undefined;
  readonly credentials: Readonly<Record<string, string>>;
  readonly source: string | undefined;
  readonly shape: string;
}

/** Reads `:login {:operation "…" :variables {…} :token_path "login.token" :logout "…"}`. */
export function readLogin(
  capability: SessionCapability,
  context: TargetContext,
  origin: string,
): LoginPlan | undefined {
  const declared = getOwn(capability.block, "login");
  if (declared === undefined || declared === null) return undefined;
  const id = JSON.stringify(capability.id);
  const text = isJsonObject(declared) ? getOwn(declared, "operation") : undefined;
  if (!isJsonObject(declared) || typeof text !== "string" || outlineOf(text).operations.length !== 1) {
    return fail("invalid-argument", `:login of ${id} names no single operation.`, {
      remedy: 'Write :login {:operation "mutation ($name: String!, …) { … }" :variables {:name "${NAME}"}}.',
    });
  }
  const path = getOwn(declared, "token_path") ?? getOwn(declared, "token-path");
  if (path !== undefined && (typeof path !== "string" || !/^[_A-Za-z]\w*(?:\.[_A-Za-z]\w*)*$/.test(path))) {
    fail("invalid-argument", `:token_path of :login of ${id} is no path of fields, such as "login.token".`);
  }
  const logout = getOwn(declared, "logout") ?? undefined;
  if (logout !== undefined && (typeof logout !== "string" || outlineOf(logout).operations.length !== 1)) {
    fail("invalid-argument", `:logout of :login of ${id} is no single operation.`);
  }
  const variables = readSecretTemplate("login.variables", capability, context, origin);
  return {
    text,
    variables: variables?.value ?? {},
    logout,
    tokenPath: typeof path === "string" ? path.split(".") : undefined,
    credentials: variables?.credentials ?? {},
    source: variables?.source,
    shape: JSON.stringify([text, path ?? null, logout ?? null, variables?.shape ?? ""]),
  };
}
