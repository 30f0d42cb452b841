import {
  CcosError,
  completeForm,
  getOwn,
  isJsonObject,
  oneLine,
  stripControls,
  type Asker,
  type Interaction,
  type JsonObject,
  type JsonValue,
  type Question,
} from "../../kernel/index.ts";
import { readForm } from "./read-form.ts";
import { PROVIDER } from "./traits.ts";
import type { RpcAnswer } from "./transport.ts";
import type { RpcError } from "./wire-error.ts";

const LONGEST_MESSAGE = 4000;
const LONGEST_URL = 8192;
const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;
const INTERNAL = -32603;
/** What the protocol's own example says of a sampling request that a person turned down. */
const REFUSED = -1;

export type AskerOfCall = Pick<Asker, "capabilityId" | "signal">;

/** What servers may ask back, and our answers: of a person, of a language model, of the host. */
export class Questions {
  readonly #interaction: Interaction;
  readonly #endpoint: string;
  readonly #warn: (message: string) => void;

  constructor(interaction: Interaction | undefined, endpoint: string, warn: (message: string) => void = () => {}) {
    this.#interaction = interaction ?? {};
    this.#endpoint = endpoint;
    this.#warn = warn;
  }

  /** What a server is told that it may ask. */
  get capabilities(): JsonObject {
    const { elicit, sample, roots } = this.#interaction;
    return {
      ...(elicit && { elicitation: { form: {}, url: {} } }),
      ...(sample && { sampling: {} }),
      ...(roots && { roots: {} }),
    };
  }

  /** Whether somebody answers anything at all. */
  get any(): boolean {
    const { elicit, sample, roots } = this.#interaction;
    return elicit !== undefined || sample !== undefined || roots !== undefined;
  }

  /** Whether somebody answers this. */
  canAnswer(method: string): boolean {
    const { elicit, sample, roots } = this.#interaction;
    switch (method) {
      case "elicitation/create":
        return elicit !== undefined;
      case "sampling/createMessage":
        return sample !== undefined;
      case "roots/list":
        return roots !== undefined;
      default:
        return false;
    }
  }

  /**
   * The answer to a request of the server; undefined where it asks nothing that anybody could be asked. What nobody
   * answers is declined in the protocol's own way.
   */
  answer(method: string, params: JsonObject, asker: AskerOfCall): Promise<RpcAnswer> | undefined {
    const about: Asker = { ...asker, provider: PROVIDER, endpoint: this.#endpoint };
    switch (method) {
      case "elicitation/create":
        return this.#told(() => this.#elicit(params, about));
      case "sampling/createMessage":
        return this.#told(() => this.#sample(params, about));
      case "roots/list":
        return this.#told(() => this.#roots());
      default:
        return undefined;
    }
  }

  /** An error of the host's is its own: a server is told that there was one, and not which. */
  async #told(ask: () => Promise<RpcAnswer>): Promise<RpcAnswer> {
    try {
      return await ask();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#warn(`A question of ${this.#endpoint} was left unanswered: ${oneLine(why)}`);
      return refusal(INTERNAL, "The question could not be answered.");
    }
  }

  async #elicit(params: JsonObject, about: Asker): Promise<RpcAnswer> {
    const { elicit } = this.#interaction;
    if (elicit === undefined) return { result: { action: "decline" } };
    const read = readQuestion(params);
    if ("code" in read) return { error: read };
    const given = await elicit(read, about);
    if (given.action !== "accept") return { result: { action: given.action === "cancel" ? "cancel" : "decline" } };
    if (read.kind === "link") return { result: { action: "accept" } };
    const filled = completeForm(read.fields, given.content ?? {});
    // What the host says does not fit, so nobody has answered.
    if (!filled.ok) throw new CcosError("invalid-argument", `The answer does not fit the form: ${filled.problem}.`);
    return { result: { action: "accept", content: filled.content } };
  }

  async #sample(params: JsonObject, about: Asker): Promise<RpcAnswer> {
    const { sample } = this.#interaction;
    if (sample === undefined) return refusal(REFUSED, "Nobody here answers sampling requests.");
    if (!Array.isArray(getOwn(params, "messages"))) return refusal(INVALID_PARAMS, "A sampling request has messages.");
    const given = await sample(params, about);
    if (given === undefined || given === null) return refusal(REFUSED, "The sampling request was declined.");
    if (typeof given !== "string") return { result: given };
    return {
      result: { role: "assistant", content: { type: "text", text: given }, model: "unknown", stopReason: "endTurn" },
    };
  }

  async #roots(): Promise<RpcAnswer> {
    const { roots } = this.#interaction;
    if (roots === undefined) return refusal(METHOD_NOT_FOUND, "Roots are not supported.");
    const list = (await roots()).map(({ uri, name }) => ({ uri, ...(name !== undefined && { name }) }));
    return { result: { roots: list } };
  }
}

function refusal(code: number, message: string): { readonly error: RpcError } {
  return { error: { code, message } };
}

/** What a server wants to know of a person, or the error it is told where it asks wrongly. */
export function readQuestion(params: JsonObject): Question | RpcError {
  const message = stripControls(textOf(getOwn(params, "message"))).slice(0, LONGEST_MESSAGE);
  const mode = getOwn(params, "mode") ?? "form";
  if (mode === "url") {
    const url = readUrl(getOwn(params, "url"));
    return url === undefined
      ? { code: INVALID_PARAMS, message: "The url is no http or https URL." }
      : { kind: "link", message, url };
  }
  if (mode !== "form") return { code: INVALID_PARAMS, message: "This mode of elicitation is not supported." };
  const fields = readForm(getOwn(params, "requestedSchema"));
  return typeof fields === "string"
    ? { code: INVALID_PARAMS, message: `The requested schema is no form: ${fields}.` }
    : { kind: "form", message, fields };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function readUrl(value: JsonValue | undefined): string | undefined {
  if (typeof value !== "string" || value.length > LONGEST_URL || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && url.password === ""
    ? url.href
    : undefined;
}

/** The pages a server wants visited before it does what was asked; undefined where its error says no such thing. */
export function linksOf(error: RpcError): JsonObject[] | undefined {
  const list = isJsonObject(error.data) ? error.data["elicitations"] : undefined;
  const links = Array.isArray(list) ? list.filter(isJsonObject).filter(({ mode }) => mode === "url") : [];
  return links.length === 0 ? undefined : links;
}
