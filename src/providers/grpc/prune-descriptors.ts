import { create, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type DescriptorProto,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

/** Where a message or an enum is described. */
interface Known {
  readonly file: FileDescriptorProto;
  /** The message; undefined for an enum. */
  readonly message: DescriptorProto | undefined;
}

/** Cuts services out of what describes them: a set holds what their methods need, and nothing else. */
export class DescriptorPruner {
  readonly #files: readonly FileDescriptorProto[];
  readonly #known = new Map<string, Known>();
  readonly #services = new Map<string, FileDescriptorProto>();

  /** @param files normalised, each after those it depends on */
  constructor(files: readonly FileDescriptorProto[]) {
    this.#files = files;
    for (const file of files) {
      const scope = file.package === "" ? "" : `.${file.package}`;
      for (const { name } of file.service) this.#services.set(`${scope}.${name}`.slice(1), file);
      for (const { name } of file.enumType) this.#known.set(`${scope}.${name}`, { file, message: undefined });
      for (const message of file.messageType) this.#enter(`${scope}.${message.name}`, file, message);
    }
  }

  #enter(name: string, file: FileDescriptorProto, message: DescriptorProto): void {
    this.#known.set(name, { file, message });
    for (const one of message.enumType) this.#known.set(`${name}.${one.name}`, { file, message: undefined });
    for (const nested of message.nestedType) this.#enter(`${name}.${nested.name}`, file, nested);
  }

  /** The descriptor set of these services (full names). Options, comments and reserved names are not in it. */
  encode(services: ReadonlySet<string>): Uint8Array {
    const needed = this.#reach(services);
    const owners = new Set([...needed].map((name) => this.#known.get(name)?.file));
    for (const service of services) owners.add(this.#services.get(service));
    const kept = this.#files
      .filter((file) => owners.has(file))
      .map((file) => this.#cut(file, services, needed, owners));
    return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: kept }));
  }

  /** Every type that the methods lead to. */
  #reach(services: ReadonlySet<string>): Set<string> {
    const needed = new Set<string>();
    const queue: string[] = [];
    for (const name of services) {
      const file = this.#services.get(name);
      const own = file?.service.find(
        (one) => name === (file.package === "" ? one.name : `${file.package}.${one.name}`),
      );
      for (const { inputType, outputType } of own?.method ?? []) queue.push(inputType, outputType);
    }
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (needed.has(name)) continue;
      needed.add(name);
      for (const { typeName } of this.#known.get(name)?.message?.field ?? []) if (typeName !== "") queue.push(typeName);
    }
    return needed;
  }

  #cut(
    file: FileDescriptorProto,
    services: ReadonlySet<string>,
    needed: ReadonlySet<string>,
    owners: ReadonlySet<FileDescriptorProto | undefined>,
  ): FileDescriptorProto {
    const scope = file.package === "" ? "" : `.${file.package}`;
    const names = new Set([...owners].map((owner) => owner?.name));
    return create(FileDescriptorProtoSchema, {
      name: file.name,
      package: file.package,
      syntax: file.syntax,
      ...(file.syntax === "editions" && { edition: file.edition }),
      ...(file.options?.features !== undefined && { options: { features: file.options.features } }),
      dependency: file.dependency.filter((name) => names.has(name)),
      enumType: file.enumType.filter(({ name }) => needed.has(`${scope}.${name}`)),
      messageType: cutMessages(file.messageType, scope, needed),
      service: file.service.filter(({ name }) => services.has(`${scope}.${name}`.slice(1))),
    });
  }
}

/** The messages that are needed, and those around them, which hold nothing else then. */
function cutMessages(
  messages: readonly DescriptorProto[],
  scope: string,
  needed: ReadonlySet<string>,
): DescriptorProto[] {
  return messages.flatMap((message) => {
    const name = `${scope}.${message.name}`;
    const nestedType = cutMessages(message.nestedType, name, needed);
    const enumType = message.enumType.filter((one) => needed.has(`${name}.${one.name}`));
    const isNeeded = needed.has(name);
    if (!isNeeded && nestedType.length === 0 && enumType.length === 0) return [];
    const { field, oneofDecl } = isNeeded ? message : { field: [], oneofDecl: [] };
    return [
      {
        ...message,
        field,
        oneofDecl,
        nestedType,
        enumType,
        extension: [],
        extensionRange: [],
        reservedRange: [],
        reservedName: [],
      },
    ];
  });
}
