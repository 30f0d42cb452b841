import type { FormField } from "./form.ts";
import type { JsonObject } from "./json.ts";

/**
 * Who answers what a peer asks back while it works on a call. Whatever is left out, nobody answers: then a peer is
 * told that it cannot ask, and one that asks all the same is declined.
 *
 * Waiting for an answer counts as time of the call. What a member throws fails the question, not the process.
 */
export interface Interaction {
  /** Asks a person. Texts come from the peer: controls are stripped, and nothing else of them has been believed. */
  readonly elicit?: ((question: Question, asker: Asker) => Promise<Answer>) | undefined;
  /**
   * Has a language model answer. The request and the result are as the peer's protocol has them (`messages`,
   * `maxTokens` …; `role`, `content`, `model` …); a text alone stands for a result that says it. Undefined declines.
   */
  readonly sample?: ((request: JsonObject, asker: Asker) => Promise<JsonObject | string | undefined>) | undefined;
  /** The folders a peer may work in. */
  readonly roots?: (() => readonly Root[] | Promise<readonly Root[]>) | undefined;
}

export type Question = FormQuestion | LinkQuestion;

/** Something to be filled in. Never a place for secrets: peers must not ask for them this way. */
export interface FormQuestion {
  readonly kind: "form";
  readonly message: string;
  readonly fields: readonly FormField[];
}

/** A page to be visited, where what is entered stays between the person and that page. */
export interface LinkQuestion {
  readonly kind: "link";
  readonly message: string;
  /** http or https. To be shown whole before anybody opens it, and never opened unasked. */
  readonly url: string;
}

/**
 * `decline`: the person says no; `cancel`: the person says nothing. What is accepted of a form holds its fields; what
 * is left out gets its default. A link is accepted when the person has been there.
 */
export type Answer =
  | { readonly action: "accept"; readonly content?: JsonObject | undefined }
  | { readonly action: "decline" | "cancel" };

/** Who asks. */
export interface Asker {
  readonly provider: string;
  /** Where, without credentials. */
  readonly endpoint: string;
  /** The capability being called; undefined where the peer does not say for which of several calls it asks. */
  readonly capabilityId: string | undefined;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface Root {
  /** A `file:` URL. */
  readonly uri: string;
  readonly name?: string | undefined;
}
