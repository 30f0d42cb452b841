import { fail } from "../../kernel/index.ts";
import { wordOf, type SettingReader } from "../../http/index.ts";
import { DEEPEST_NESTING, LONGEST_DOCUMENT, outlineOf, type OperationKind } from "./operation-text.ts";

/** What a capability runs, as its block declares it. */
export type OperationSpec = DocumentSpec | FieldSpec;

interface CommonSpec {
  readonly kind: OperationKind;
  /** The field of the answer's `data` that is the call's value; undefined for all of it. */
  readonly resultField: string | undefined;
}

/** An operation of a document that the capability holds. */
export interface DocumentSpec extends CommonSpec {
  readonly form: "document";
  readonly text: string;
  /** The operation's name in the document, sent with it. */
  readonly name: string | undefined;
}

/** A field of the schema's root; the document is written by the schema. */
export interface FieldSpec extends CommonSpec {
  readonly form: "field";
  readonly field: string;
  /** What is selected of it; undefined: chosen by depth. */
  readonly selection: string | undefined;
  readonly depth: number;
}

const NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;
const DEFAULT_DEPTH = 2;
const MOST_DEPTH = 10;

/**
 * Reads what a capability runs: its `:operation`, else its `:field`, else the field that its id ends with. Throws `invalid-argument` for
 * what no call could be made of.
 */
export function readOperation(capabilityId: string, read: SettingReader): OperationSpec {
  const id = JSON.stringify(capabilityId);
  const text = read("operation");
  const resultField = readName("result_field", id, read);
  if (text !== undefined) {
    if (read("field") === undefined) return readDocument(text, id, read, resultField);
    return fail("invalid-argument", `Capability ${id} names both an operation and a field.`, {
      remedy: "Give its :graphql block an :operation (a document), or a :field of the schema.",
    });
  }
  const field = readName("field", id, read) ?? capabilityId.split(".").at(-1) ?? "";
  if (!NAME.test(field)) {
    fail("invalid-argument", `Capability ${id} names no operation, and its id does not end like the name of a field.`, {
      remedy: "Give its :graphql block an :operation (a document), or a :field of the schema.",
    });
  }
  return readField(field, id, read, resultField);
}

function readDocument(text: string, id: string, read: SettingReader, resultField: string | undefined): DocumentSpec {
  if (text.length > LONGEST_DOCUMENT) {
    fail("invalid-argument", `The operation of ${id} has more than ${LONGEST_DOCUMENT} characters.`);
  }
  const { operations, depth } = outlineOf(text);
  if (depth > DEEPEST_NESTING) {
    fail("invalid-argument", `The operation of ${id} nests more than ${DEEPEST_NESTING} levels deep.`);
  }
  const wanted = readName("operation_name", id, read);
  const named = operations.flatMap(({ name }) => name ?? []).slice(0, 20);
  const has = named.length === 0 ? "" : ` It has ${named.join(", ")}.`;
  const found = wanted === undefined ? operations[0] : operations.find(({ name }) => name === wanted);
  if (found === undefined) {
    const what = wanted === undefined ? "no operation" : `no operation ${JSON.stringify(wanted)}`;
    return fail("invalid-argument", `The document of ${id} has ${what}.${has}`, {
      remedy: wanted === undefined ? 'Write one, such as "{ viewer { login } }".' : "Correct its :operation_name.",
    });
  }
  if (wanted === undefined && operations.length > 1) {
    fail("invalid-argument", `The document of ${id} has several operations.${has}`, {
      remedy: "Say which one with :operation_name.",
    });
  }
  const kind = readKind(id, read);
  if (kind !== undefined && kind !== found.kind) {
    fail("invalid-argument", `${id} says that it is a ${kind}, but its operation is a ${found.kind}.`, {
      remedy: "Remove :kind: the document says it.",
    });
  }
  return { form: "document", text, name: found.name, kind: found.kind, resultField };
}

function readField(field: string, id: string, read: SettingReader, resultField: string | undefined): FieldSpec {
  const depth = Number(read("depth") ?? DEFAULT_DEPTH);
  if (!Number.isSafeInteger(depth) || depth < 1 || depth > MOST_DEPTH) {
    fail("invalid-argument", `:depth of ${id} is no whole number from 1 to ${MOST_DEPTH}.`);
  }
  const selection = read("selection")?.trim() || undefined;
  if (
    selection !== undefined &&
    (selection.length > LONGEST_DOCUMENT || outlineOf(selection).depth > DEEPEST_NESTING)
  ) {
    fail("invalid-argument", `:selection of ${id} is too long, or nests too deep.`);
  }
  return {
    form: "field",
    field,
    selection,
    depth,
    kind: readKind(id, read) ?? "query",
    resultField: resultField ?? field,
  };
}

function readName(key: string, id: string, read: SettingReader): string | undefined {
  const name = read(key);
  if (name === undefined || name === "") return undefined;
  if (!NAME.test(name)) fail("invalid-argument", `:${key} of ${id} is no name that GraphQL allows.`);
  return name;
}

function readKind(id: string, read: SettingReader): OperationKind | undefined {
  const kind = wordOf(read("kind") ?? "");
  if (kind === "") return undefined;
  if (kind === "query" || kind === "mutation" || kind === "subscription") return kind;
  return fail("invalid-argument", `${id} names an unknown kind of operation.`, {
    remedy: 'Use :kind "query", "mutation" or "subscription".',
  });
}
