import type { Source } from "./source.ts";
import type { Float } from "./values.ts";

/**
 * What the reader gives: the text as a tree, nothing evaluated.
 * Every form knows its source and its half-open range of offsets there.
 */
interface At {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

export type Form =
  | (At & { readonly kind: "nil" })
  | (At & { readonly kind: "boolean"; readonly value: boolean })
  /** A number where it is a safe integer, else a bigint within 64 bits. */
  | (At & { readonly kind: "integer"; readonly value: number | bigint })
  | (At & { readonly kind: "float"; readonly value: Float })
  | (At & { readonly kind: "string"; readonly value: string })
  /** Timestamp, UUID and resource literals: each evaluates to a string of its text. */
  | (At & {
      readonly kind: "text-literal";
      readonly literal: "timestamp" | "uuid" | "resource";
      readonly value: string;
    })
  /** Without the colon. */
  | (At & { readonly kind: "keyword"; readonly name: string })
  | (At & { readonly kind: "symbol"; readonly name: string })
  | (At & { readonly kind: "list"; readonly items: readonly Form[] })
  | (At & { readonly kind: "vector"; readonly items: readonly Form[] })
  /** In source order; a key that occurs twice is still here twice: the last one counts. */
  | (At & { readonly kind: "map"; readonly entries: readonly (readonly [Form, Form])[] })
  /** 'x `x ~x ~@x */
  | (At & { readonly kind: "quote"; readonly form: Form })
  | (At & { readonly kind: "quasiquote"; readonly form: Form })
  | (At & { readonly kind: "unquote"; readonly form: Form })
  | (At & { readonly kind: "unquote-splicing"; readonly form: Form })
  /** #( … ): the items are one call, the body of the function. */
  | (At & { readonly kind: "short-fn"; readonly items: readonly Form[] })
  /** @name: a value of the host's context. */
  | (At & { readonly kind: "context-ref"; readonly name: string })
  /** ^{…} form, or ^:delegation … form. */
  | (At & { readonly kind: "annotated"; readonly annotation: Form; readonly form: Form });

export type FormKind = Form["kind"];
export type FormOf<K extends FormKind> = Extract<Form, { readonly kind: K }>;
