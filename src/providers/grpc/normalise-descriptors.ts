import {
  FieldDescriptorProto_Type,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import * as wellKnown from "@bufbuild/protobuf/wkt";

/** A name that nothing describes, and what needs it. */
export interface MissingType {
  readonly name: string;
  readonly neededBy: string;
}

/** Where each name (absolute, with a leading dot) is described, and as what. */
type Names = Map<string, { readonly file: string; readonly isEnum: boolean }>;

interface Declarations {
  readonly messageType: DescriptorProto[];
  readonly enumType: EnumDescriptorProto[];
}

const WELL_KNOWN: ReadonlyMap<string, FileDescriptorProto> = new Map(
  Object.entries(wellKnown)
    .filter(([name]) => name.startsWith("file_google_protobuf_"))
    .map(([, file]) => (file as { proto: FileDescriptorProto }).proto)
    .map((proto) => [proto.name, proto]),
);

let wellKnownNames: Names | undefined;

function namesOfWellKnown(): Names {
  if (wellKnownNames === undefined) {
    wellKnownNames = new Map();
    for (const file of WELL_KNOWN.values()) enter(wellKnownNames, file);
  }
  return wellKnownNames;
}

export function isWellKnownFile(name: string): boolean {
  return WELL_KNOWN.has(name);
}

/**
 * Makes any pile of file descriptions one that a registry can be made of, in order of dependence: names of types
 * absolute, kinds of types told, dependencies complete, the files of Protocol Buffers itself from the library. Some
 * servers (https://github.com/grpc/grpc-node/issues/3034) and every parser of single files leave that to their readers.
 *
 * Changes what it is given. Types that nothing describes are named in `missing`; files that need them cannot be used.
 */
export function normaliseDescriptors(given: readonly FileDescriptorProto[]): {
  readonly files: FileDescriptorProto[];
  readonly missing: MissingType[];
} {
  const files = given.filter((file) => !WELL_KNOWN.has(file.name) && !isCopyOfWellKnown(file));
  const names: Names = new Map(namesOfWellKnown());
  for (const file of files) enter(names, file);
  const missing: MissingType[] = [];
  for (const file of files) new Qualifier(names, file, missing).run();
  return { files: inOrder(files), missing };
}

/** Some servers give one file for all of a package, under a name of their own. */
function isCopyOfWellKnown(file: FileDescriptorProto): boolean {
  if (file.package !== "google.protobuf") return false;
  const known = namesOfWellKnown();
  return [...file.messageType, ...file.enumType].every(({ name }) => known.has(`.google.protobuf.${name}`));
}

function enter(names: Names, file: FileDescriptorProto): void {
  const walk = (scope: string, { messageType, enumType }: Declarations): void => {
    for (const one of enumType) names.set(`${scope}.${one.name}`, { file: file.name, isEnum: true });
    for (const message of messageType) {
      const name = `${scope}.${message.name}`;
      names.set(name, { file: file.name, isEnum: false });
      walk(name, { messageType: message.nestedType, enumType: message.enumType });
    }
  };
  walk(file.package === "" ? "" : `.${file.package}`, file);
}

class Qualifier {
  readonly #names: Names;
  readonly #file: FileDescriptorProto;
  readonly #missing: MissingType[];
  readonly #needs = new Set<string>();

  constructor(names: Names, file: FileDescriptorProto, missing: MissingType[]) {
    this.#names = names;
    this.#file = file;
    this.#missing = missing;
  }

  run(): void {
    const file = this.#file;
    const scope = file.package === "" ? "" : `.${file.package}`;
    for (const extension of file.extension) this.#field(extension, scope);
    for (const message of file.messageType) this.#message(message, `${scope}.${message.name}`);
    for (const service of file.service) {
      for (const method of service.method) {
        method.inputType = this.#find(method.inputType, `${scope}.${service.name}`);
        method.outputType = this.#find(method.outputType, `${scope}.${service.name}`);
      }
    }
    this.#needs.delete(file.name);
    // What is only imported for its options is not needed, and may not be there.
    file.dependency = [...this.#needs].sort();
    file.publicDependency = [];
    file.weakDependency = [];
  }

  #message(message: DescriptorProto, scope: string): void {
    for (const field of [...message.field, ...message.extension]) this.#field(field, scope);
    for (const nested of message.nestedType) this.#message(nested, `${scope}.${nested.name}`);
  }

  #field(field: FieldDescriptorProto, scope: string): void {
    if (field.extendee !== "") field.extendee = this.#find(field.extendee, scope);
    if (field.typeName !== "") {
      field.typeName = this.#find(field.typeName, scope);
      const isEnum = this.#names.get(field.typeName)?.isEnum === true;
      if (isEnum) field.type = FieldDescriptorProto_Type.ENUM;
      else if (field.type !== FieldDescriptorProto_Type.GROUP) field.type = FieldDescriptorProto_Type.MESSAGE;
    }
    if (field.jsonName === "") field.jsonName = jsonNameOf(field.name);
  }

  /** By the rules of C++ scoping: the innermost scope that has the first part of the name decides. */
  #find(name: string, scope: string): string {
    let found = name.startsWith(".") && this.#names.has(name) ? name : undefined;
    for (let at = scope; found === undefined && !name.startsWith("."); at = at.slice(0, at.lastIndexOf("."))) {
      if (this.#names.has(`${at}.${name}`)) found = `${at}.${name}`;
      if (at === "") break;
    }
    if (found === undefined) {
      this.#missing.push({ name: name.replace(/^\./, ""), neededBy: this.#file.name });
      return name;
    }
    this.#needs.add((this.#names.get(found) as { file: string }).file);
    return found;
  }
}

/** https://protobuf.dev/programming-guides/json: letters after underscores are capitals, and underscores go. */
export function jsonNameOf(name: string): string {
  return name.replace(/_+(.?)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Each file after those it depends on, with the well-known ones that are needed. */
function inOrder(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map<string, FileDescriptorProto>([
    ...WELL_KNOWN,
    ...files.map((file) => [file.name, file] as const),
  ]);
  const ordered = new Set<FileDescriptorProto>();
  const entered = new Set<FileDescriptorProto>();
  for (const first of files) {
    // Without recursion: chains of imports may be long.
    const stack = [first];
    for (let file = stack.at(-1); file !== undefined; file = stack.at(-1)) {
      const next = entered.has(file)
        ? undefined
        : file.dependency.map((name) => byName.get(name)).filter((one) => one !== undefined && !entered.has(one));
      entered.add(file);
      if (next !== undefined && next.length > 0) stack.push(...(next as FileDescriptorProto[]));
      else {
        stack.pop();
        ordered.add(file);
      }
    }
  }
  return [...ordered];
}
