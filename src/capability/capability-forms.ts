import { CcosError, type ErrorOptions } from "../kernel/index.ts";
import { isOptionalMark, type Form, type FormOf } from "../rtfs/index.ts";

/** One key of a declaration, with the form it holds, unevaluated. */
export interface Field {
  /** As written, without the colon. */
  readonly key: string;
  readonly keyForm: Form;
  readonly form: Form;
  /** A lone `?` followed: for a type, T or nil. */
  readonly optional: boolean;
}

/** A capability as some form of a file declares it. */
export interface Declaration {
  readonly form: Form;
  /** The last of each key counts. */
  readonly fields: ReadonlyMap<string, Field>;
}

export interface FoundDeclarations {
  readonly declarations: readonly Declaration[];
  readonly errors: readonly CcosError[];
}

/** A mistake in a capability file, where it stands. */
export function fileError(form: Form, message: string, options: ErrorOptions = {}): CcosError {
  return new CcosError("invalid-argument", message, { ...options, place: form.source.place(form.start) });
}

/**
 * The capabilities among the forms of a file: `(capability "id" …)`, `{:type "capability" …}`, both also
 * inside `(do …)`, and modules, `(def name {:capabilities [{:capability {…} …} …]})`. Everything else in a
 * file is a program's business and is passed over.
 */
export function findDeclarations(forms: readonly Form[]): FoundDeclarations {
  const declarations: Declaration[] = [];
  const errors: CcosError[] = [];
  const visit = (form: Form): void => {
    if (form.kind === "annotated") return visit(form.form);
    if (form.kind === "map") {
      const fields = fieldsOfMap(form);
      if (isCapabilityType(fields.get("type"))) declarations.push({ form, fields });
      return;
    }
    if (form.kind !== "list") return;
    const [head, ...rest] = form.items;
    if (head?.kind !== "symbol") return;
    if (head.name === "do") rest.forEach(visit);
    else if (head.name === "capability") {
      const declaration = readCall(form, rest, errors);
      if (declaration !== undefined) declarations.push(declaration);
    } else if (head.name === "def") declarations.push(...readModule(rest.at(-1), errors));
  };
  forms.forEach(visit);
  return { declarations, errors };
}

function isCapabilityType(field: Field | undefined): boolean {
  return field?.form.kind === "string" && /^(?:ccos\.)?capability(?::v[\d.]+)?$/.test(field.form.value);
}

/** `(capability "id" :key value …)` or `(capability "id" {…})`; the id may also be a key. */
function readCall(form: Form, items: readonly Form[], errors: CcosError[]): Declaration | undefined {
  const [first] = items;
  if (first === undefined) {
    errors.push(
      fileError(form, "A capability without an id.", { remedy: 'Write (capability "my.id" :description "…" …).' }),
    );
    return undefined;
  }
  const fields = new Map<string, Field>();
  if (first.kind === "string") fields.set("id", { key: "id", keyForm: first, form: first, optional: false });
  else if (first.kind !== "keyword" && first.kind !== "map") {
    errors.push(fileError(first, "The id of a capability is a string.", { remedy: 'Write (capability "my.id" …).' }));
    return undefined;
  }
  const rest = first.kind === "string" ? items.slice(1) : items;
  if (rest.length === 1 && rest[0]?.kind === "map") {
    for (const field of fieldsOfMap(rest[0]).values()) fields.set(field.key, field);
    return { form, fields };
  }
  for (let index = 0; index < rest.length; index++) {
    const keyForm = rest[index] as Form;
    if (keyForm.kind !== "keyword") {
      errors.push(fileError(keyForm, "A keyword is expected here: a capability is a row of keys and values."));
      return undefined;
    }
    const value = rest[++index];
    if (value === undefined) {
      errors.push(fileError(keyForm, `The key :${keyForm.name} has no value.`));
      return undefined;
    }
    const optional = isOptionalMark(rest[index + 1]);
    if (optional) index++;
    fields.set(keyForm.name, { key: keyForm.name, keyForm, form: value, optional });
  }
  return { form, fields };
}

/** Keys may also be strings, as in a file made from JSON; what is neither is passed over. */
function fieldsOfMap(form: FormOf<"map">): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [keyForm, value] of form.entries) {
    const key = keyForm.kind === "keyword" ? keyForm.name : keyForm.kind === "string" ? keyForm.value : undefined;
    if (key !== undefined) fields.set(key, { key, keyForm, form: value, optional: false });
  }
  return fields;
}

/** A module is known by its shape, not by its name: a map with a vector of maps that hold a `:capability`. */
function readModule(form: Form | undefined, errors: CcosError[]): Declaration[] {
  if (form?.kind !== "map") return [];
  const list = fieldsOfMap(form).get("capabilities")?.form;
  if (list?.kind !== "vector") return [];
  const entries = list.items.filter((item) => item.kind === "map").map((item) => ({ item, fields: fieldsOfMap(item) }));
  if (!entries.some(({ fields }) => fields.has("capability"))) return [];
  const declarations: Declaration[] = [];
  for (const { item, fields } of entries) {
    const capability = fields.get("capability")?.form;
    if (capability?.kind !== "map") {
      errors.push(fileError(item, "An entry of a module holds its capability as a map under :capability."));
      continue;
    }
    const own = fieldsOfMap(capability);
    for (const key of ["input-schema", "output-schema"]) {
      const beside = fields.get(key);
      if (beside !== undefined && !own.has(key)) own.set(key, beside);
    }
    declarations.push({ form: capability, fields: own });
  }
  return declarations;
}
