import { didYouMean, fail, getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { isHeaderValue } from "../../http/index.ts";
import { expandPath, parseTemplate, type PathTemplate, type PathValue } from "./expand-path.ts";
import { isMediaType, kindOf } from "./media-type.ts";
import type { Operation, Parameter, RequestBody } from "./operation.ts";
import { contentText, encodeAll, encodeReserved, pairsOf, simpleText, type Refuse } from "./serialize.ts";
import type { RestSettings } from "./target.ts";
import { writeBody, type WrittenBody } from "./write-body.ts";

/** A call as it is sent, without what belongs to the session. */
export interface OperationRequest {
  readonly method: string;
  /** Below the base URL, from its `/`, without a query. */
  readonly path: string;
  /** `a=1&b=2`, percent-encoded. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** `a=1; b=2`; empty where there are none. */
  readonly cookies: string;
  readonly body: string | Uint8Array | undefined;
  /** Media types the answer may have, as the operation declares or the caller asks; empty: any. */
  readonly accepted: readonly string[];
}

const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);
const ANY_ANSWER = "application/json, */*;q=0.5";
const MOST_ACCEPTED = 12;

/** Writes the input of a call as a request. Throws `invalid-argument` for input that the operation does not take. */
export function writeRequest(operation: Operation, input: JsonValue, capabilityId: string): OperationRequest {
  const values = readInput(input, capabilityId);
  const known =
    operation.parameters === undefined && operation.requestBody === undefined ? inferred(operation, values) : operation;
  const plan = planOf(known);
  refuseUnknown(known, plan, values, capabilityId);
  const parameters = known.parameters ?? [];
  const given = (parameter: Parameter): JsonValue | undefined => {
    const value = getOwn<JsonValue>(values, parameter.as);
    return value === null ? undefined : value;
  };
  const refuseOf = ({ as }: Parameter): Refuse => refusal(capabilityId, `:${as}`);
  for (const parameter of parameters) {
    if (parameter.required && given(parameter) === undefined) refuseOf(parameter)("is missing");
  }
  const path = expandPath(plan.template, (name) => pathValue(name, parameters, values, capabilityId));
  const query = fixedQuery(known.query);
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  const cookies: string[] = [];
  for (const parameter of parameters) {
    const value = given(parameter);
    if (value === undefined || parameter.in === "path") continue;
    const refuse = refuseOf(parameter);
    if (parameter.in === "header") headers[parameter.name.toLowerCase()] = headerText(parameter, value, refuse);
    else {
      const pairs = pairsOfParameter(parameter, value, refuse);
      if (pairs.length === 0 && parameter.required) refuse("is empty");
      (parameter.in === "query" ? query : cookies).push(...pairs.map(([name, text]) => `${name}=${text}`));
    }
  }
  const mark = path.indexOf("?");
  const steps = mark < 0 ? path : path.slice(0, mark);
  if (mark >= 0 && mark + 1 < path.length) query.unshift(path.slice(mark + 1));
  const written = bodyOf(known, values, capabilityId);
  if (written !== undefined) headers["content-type"] = written.contentType;
  const wanted = known.acceptAs === undefined ? undefined : mediaTypeIn(values, known.acceptAs, capabilityId);
  const accepted = wanted === undefined ? plan.accepted : [wanted];
  headers["accept"] = wanted ?? plan.accept;
  return {
    method: known.method,
    path: steps,
    query: query.join("&"),
    headers,
    cookies: cookies.join("; "),
    body: written?.body,
    accepted,
  };
}

/** Where it goes: below the base URL, with what that and the credential add to the query. */
export function urlOfRequest(
  { base, baseQuery }: Pick<RestSettings, "base" | "baseQuery">,
  { path, query }: Pick<OperationRequest, "path" | "query">,
): URL {
  const all = [baseQuery, query].filter((part) => part !== "").join("&");
  return new URL(`${base}${path}${all === "" ? "" : `?${all}`}`);
}

function readInput(input: JsonValue, id: string): JsonObject {
  if (input === null) return {};
  if (isJsonObject(input)) return input;
  return fail("invalid-argument", `${JSON.stringify(id)} takes a map, and got another kind of value.`, {
    remedy: "Call it with one map, such as {:id 1}; what is sent as the body goes into its key :body.",
  });
}

export function refusal(capabilityId: string, what: string): Refuse {
  return (why) =>
    fail("invalid-argument", `${what} of ${JSON.stringify(capabilityId)} ${why}.`, {
      remedy: "See `ccos describe` for what it takes.",
    });
}

/** Where nothing is declared: the placeholders of the path, and the rest as query or JSON body. */
function inferred(operation: Operation, values: JsonObject): Operation {
  const names = [...new Set(parseTemplate(operation.path).placeholders.map(({ name }) => name))];
  const rest = Object.keys(values).filter((name) => !names.includes(name) && name !== operation.acceptAs);
  const place = WITHOUT_BODY.has(operation.method) ? "query" : "body";
  const parameters = names.map((name) => plainParameter(name, "path"));
  if (place === "query") parameters.push(...rest.map((name) => plainParameter(name, "query")));
  const content = new Map([["application/json", { encoding: new Map() }]]);
  const isBody = place === "body" && rest.length > 0;
  const requestBody: RequestBody | undefined = isBody
    ? { as: "", required: false, content, contentTypeAs: undefined }
    : undefined;
  return { ...operation, parameters, requestBody };
}

export function plainParameter(name: string, place: "path" | "query"): Parameter {
  const style = place === "path" ? "simple" : "form";
  return {
    name,
    in: place,
    as: name,
    style,
    explode: place === "query",
    allowReserved: false,
    required: place === "path",
    content: undefined,
  };
}

/** What is the same for every call of an operation. */
interface Plan {
  readonly template: PathTemplate;
  /** Keys of the input. */
  readonly known: ReadonlySet<string>;
  readonly accepted: readonly string[];
  readonly accept: string;
}

const plans = new WeakMap<Operation, Plan>();

function planOf(operation: Operation): Plan {
  let plan = plans.get(operation);
  if (plan === undefined) plans.set(operation, (plan = makePlan(operation)));
  return plan;
}

function makePlan(operation: Operation): Plan {
  const { parameters = [], requestBody, acceptAs } = operation;
  const template = parseTemplate(operation.path);
  const known = new Set([...parameters.map(({ as }) => as), ...template.placeholders.map(({ name }) => name)]);
  for (const key of [requestBody?.as, requestBody?.contentTypeAs, acceptAs]) if (key !== undefined) known.add(key);
  const accepted = acceptedTypes(operation);
  const accept = accepted.length === 0 ? ANY_ANSWER : accepted.slice(0, MOST_ACCEPTED).join(", ");
  return { template, known, accepted, accept };
}

function refuseUnknown({ requestBody }: Operation, { known }: Plan, values: JsonObject, id: string): void {
  if (requestBody?.as === "") return;
  for (const name of Object.keys(values)) {
    if (known.has(name)) continue;
    const names = [...known];
    fail("invalid-argument", `${JSON.stringify(id)} takes no :${name.slice(0, 80)}.`, {
      remedy:
        didYouMean(name, names) ||
        (names.length === 0
          ? "It takes nothing."
          : `It takes ${names
              .slice(0, 40)
              .map((key) => `:${key}`)
              .join(", ")}.`),
    });
  }
}

function pathValue(name: string, parameters: readonly Parameter[], values: JsonObject, id: string): PathValue {
  const parameter =
    parameters.find((declared) => declared.in === "path" && declared.name === name) ?? plainParameter(name, "path");
  const refuse = refusal(id, `:${parameter.as}`);
  const value = getOwn<JsonValue>(values, parameter.as) ?? null;
  return { parameter, value: value === null ? refuse("is missing") : value, refuse };
}

function pairsOfParameter(parameter: Parameter, value: JsonValue, refuse: Refuse): [string, string][] {
  const { name, style, explode, allowReserved, content } = parameter;
  const encode = allowReserved ? (text: string) => encodeReserved(text, "&#+") : encodeAll;
  if (content !== undefined) return [[encodeAll(name), encode(contentText(value, kindOf(content) === "json"))]];
  return pairsOf(value, { name, style, explode, encode, encodeName: encodeAll, refuse });
}

function headerText({ explode, content }: Parameter, value: JsonValue, refuse: Refuse): string {
  const text =
    content === undefined
      ? simpleText(value, { explode, encode: (part) => part, refuse })
      : contentText(value, kindOf(content) === "json");
  return isHeaderValue(text) ? text.trim() : refuse("has characters that no header can carry");
}

function fixedQuery(query: JsonObject): string[] {
  const refuse: Refuse = (what) => fail("invalid-argument", `:query ${what}.`);
  return Object.entries(query)
    .filter(([, value]) => value !== null)
    .flatMap(([name, value]) => pairsOf(value, { name, style: "form", explode: true, encode: encodeAll, refuse }))
    .map(([name, text]) => `${name}=${text}`);
}

function bodyOf(
  { requestBody: declared, parameters = [], acceptAs }: Operation,
  values: JsonObject,
  id: string,
): WrittenBody | undefined {
  if (declared === undefined) return undefined;
  const refuse = refusal(id, declared.as === "" ? "The input" : `:${declared.as}`);
  const value =
    declared.as === ""
      ? restOf(values, [acceptAs, ...parameters.map(({ as }) => as)])
      : (getOwn<JsonValue>(values, declared.as) ?? null);
  if (value === null) return declared.required ? refuse("is missing") : undefined;
  const { contentTypeAs } = declared;
  const wanted = contentTypeAs === undefined ? undefined : mediaTypeIn(values, contentTypeAs, id);
  return writeBody(declared, value, wanted, refuse);
}

function restOf(values: JsonObject, taken: readonly (string | undefined)[]): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !taken.includes(key)));
}

function acceptedTypes({ accept, responses }: Operation): readonly string[] {
  if (accept.length > 0) return accept;
  const successes = [...responses].filter(([status]) => status.startsWith("2")).flatMap(([, { content }]) => content);
  const types = [...new Set(successes)].filter(isMediaType);
  return types.sort((a, b) => Number(kindOf(b) === "json") - Number(kindOf(a) === "json"));
}

function mediaTypeIn(values: JsonObject, key: string, id: string): string | undefined {
  const value = getOwn<JsonValue>(values, key) ?? null;
  if (value === null) return undefined;
  return typeof value === "string" && isMediaType(value) ? value : refusal(id, `:${key}`)("is no media type");
}
