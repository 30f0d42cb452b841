import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { readHttpPlace, withQuery, type HttpPlace, type HttpPlaceRules } from "../../http/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { isPlainPath } from "./expand-path.ts";
import { readLogin, type LoginPlan } from "./read-login.ts";
import type { Operation, Parameter } from "./operation.ts";
import { complaintsOf, part, readOperation, setting } from "./read-operation.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

/** What the handler keeps of a capability; only this folder looks inside. */
export interface RestSettings {
  readonly place: HttpPlace;
  readonly operation: Operation;
  readonly login: LoginPlan | undefined;
  /** `https://api.example.com/v1`, without a `/` at its end. */
  readonly base: string;
  /** What the base URL and the credential add to every query. */
  readonly baseQuery: string;
  /** Asked for with GET to find out whether a session is alive. */
  readonly probePath: string | undefined;
}

const RULES: HttpPlaceRules = {
  provider: PROVIDER,
  urlKey: "base_url",
  aliases: ALIASES,
  reserved: ["accept", "content-type"],
};

/** https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2 */
const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const REPEATABLE_CHANGES: ReadonlySet<string> = new Set(["PUT", "DELETE"]);

/** Where, as whom and with what an operation is called, read from its metadata and the environment. */
export function readTarget(capability: SessionCapability, context: TargetContext): Target {
  const declared = readOperation(capability);
  const place = choosePlace(capability, context);
  const login = readLogin(capability, context, place);
  const operation = withoutDecided(declared, place);
  const base = `${place.url.origin}${place.url.pathname.replace(/\/+$/, "")}`;
  const probePath = setting(capability, "probe_path") || undefined;
  if (probePath !== undefined && !isPlainPath(probePath))
    complaintsOf(capability)(':probe_path is no path that begins with "/".');
  const settings: RestSettings = {
    place,
    operation,
    login,
    base,
    baseQuery: withQuery(place.url, place.query).search.slice(1),
    probePath,
  };
  const isChange = REPEATABLE_CHANGES.has(operation.method) || operation.idempotencyKey !== undefined;
  return {
    ...place.target,
    ...(login !== undefined && {
      credentials: { ...place.target.credentials, ...login.credentials },
      credentialSource: login.source ?? place.target.credentialSource,
      shape: { ...place.target.shape, login: login.shape },
    }),
    operation: `${operation.method} ${operation.path}`,
    idempotent: READS.has(operation.method) || isChange ? true : undefined,
    changes: isChange ? true : undefined,
    settings,
  };
}

/** The place with the credential of `:auth`, else of the first alternative of `:security` whose variables are all set. */
function choosePlace(capability: SessionCapability, context: TargetContext): HttpPlace {
  const alternatives = readAlternatives(capability);
  if (alternatives === undefined) return readHttpPlace(withTypedAuth(capability), context, RULES);
  let first: HttpPlace | undefined;
  for (const ways of alternatives) {
    const place = readHttpPlace(withAuth(capability, ways), context, RULES);
    if (ways.length === 0 || isComplete(place)) return place;
    first ??= place;
  }
  return first ?? readHttpPlace(withAuth(capability, []), context, RULES);
}

function isComplete({ credential }: HttpPlace): boolean {
  return credential.oauth === undefined
    ? !credential.manner.split(" + ").includes("none")
    : credential.oauth.missing === undefined;
}

function readAlternatives(capability: SessionCapability): JsonObject[][] | undefined {
  const value = part(capability, "security");
  const saysItself =
    part(capability, "auth") ?? setting(capability, "auth_env_var") ?? setting(capability, "auth_type");
  if (value === undefined || saysItself !== undefined) return undefined;
  const complain = complaintsOf(capability);
  if (!Array.isArray(value))
    return complain(":security is no vector.", "Write it as a vector of vectors of what :auth may be.");
  return value.map((ways) => {
    const list: JsonValue[] = Array.isArray(ways) ? ways : [ways];
    return list.every(isJsonObject)
      ? list.filter((way) => Object.keys(way).length > 0)
      : complain(":security holds what is neither a vector nor a map.");
  });
}

/** The capability as if its `:auth` were these ways, all of them together. */
function withAuth(capability: SessionCapability, ways: readonly JsonObject[]): SessionCapability {
  const { auth: _, ...block } = capability.block;
  return { ...capability, block: ways.length === 0 ? block : { ...block, auth: ways as JsonValue[] } };
}

/** In files of before there were other kinds, `:auth` with a place for its key and no `:type` is an API key. */
function withTypedAuth(capability: SessionCapability): SessionCapability {
  const auth = getOwn<JsonValue>(capability.block, "auth");
  if (!isJsonObject(auth) || Object.hasOwn(auth, "type")) return capability;
  const isKey = ["location", "param_name", "param", "name", "in"].some((key) => Object.hasOwn(auth, key));
  return isKey ? withAuth(capability, [{ ...auth, type: "api-key" }]) : capability;
}

/** A description may name as a parameter what the credential sets anyway. */
function withoutDecided(operation: Operation, { credential }: HttpPlace): Operation {
  const { parameters } = operation;
  if (parameters === undefined) return operation;
  const cookie = `${getOwn(credential.headers, "cookie") ?? ""};`;
  const isDecided = ({ in: place, name }: Parameter): boolean =>
    (place === "header" && Object.hasOwn(credential.headers, name.toLowerCase())) ||
    (place === "query" && Object.hasOwn(credential.query, name)) ||
    (place === "cookie" && cookie.split(";").some((pair) => pair.trim().startsWith(`${name}=`)));
  return { ...operation, parameters: parameters.filter((parameter) => !isDecided(parameter)) };
}
