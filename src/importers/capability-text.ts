import { writeCapability, type WritableManifest } from "../capability/index.ts";
import { formText, print, read, type Form } from "../rtfs/index.ts";

/** A declaration that is complete: named, dated, and with every text made safe. */
export type NamedDeclaration = Pick<
  WritableManifest,
  "id" | "name" | "description" | "version" | "effects" | "inputSchema" | "outputSchema" | "metadata"
>;

/** What a module says of itself, before its capabilities. */
export interface ModuleHead {
  /** The symbol it is bound to: of the alphabet of ids. */
  readonly name: string;
  readonly provider: string;
  readonly server: string;
  readonly source: string;
  readonly createdAt: string;
}

// The only comment of a generated file. Text from outside stands in string literals and nowhere else.
const NOTE = ";; Written by an import from a server; importing again replaces this file.\n";

/** A declaration as a capability file. Reading it back gives the same declaration. */
export function capabilityText(declaration: NamedDeclaration): string {
  return NOTE + writeCapability(manifestOf(declaration));
}

/** Declarations as one module file: the id and what the capability declares in a map, its schemas beside it. */
export function moduleText(head: ModuleHead, declarations: readonly NamedDeclaration[]): string {
  const entries = declarations.map((declaration) => {
    const pairs = pairsOf(writeCapability(manifestOf(declaration)));
    const isSchema = ([key]: Pair): boolean => key.endsWith("-schema");
    const write = ([key, text]: Pair): string => `:${key} ${text}`;
    const own = [
      ':type "ccos.capability:v1"',
      `:id ${print(declaration.id)}`,
      ...pairs.filter((pair) => !isSchema(pair)).map(write),
    ];
    return [`{:capability {${own.join("\n  ")}}`, ...pairs.filter(isSchema).map(write)].join("\n ") + "}";
  });
  return `${NOTE}(def ${head.name}
{:module-type ${print(`ccos.capabilities.${head.provider}:v1`)}
 :server-config {:name ${print(head.server)} :endpoint ${print(head.source)}}
 :generated-at ${print(head.createdAt)}
 :capabilities [
${entries.join("\n")}]})
`;
}

function manifestOf(declaration: NamedDeclaration): WritableManifest {
  return { ...declaration, language: "rtfs20", permissions: [], execution: { kind: "none" }, extra: {} };
}

type Pair = readonly [key: string, text: string];

/** The keys of an exported `(capability "id" :key value …)`, each with the text of its value. */
function pairsOf(text: string): Pair[] {
  const [form] = read(text).forms;
  const items: readonly Form[] = form?.kind === "list" ? form.items.slice(2) : [];
  const pairs: Pair[] = [];
  for (let at = 0; at + 1 < items.length; at += 2) {
    const [key, value] = [items[at] as Form, items[at + 1] as Form];
    if (key.kind === "keyword") pairs.push([key.name, formText(value)]);
  }
  return pairs;
}
