import { fail, getOwn, isJsonObject, isSecretName, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";
import { PROVIDER } from "./traits.ts";

/** A map of a capability's block in which `${NAME}` stands for the value of a variable. */
export interface FilledTemplate {
  readonly value: JsonObject;
  /** The secrets in it, by what they are. */
  readonly credentials: Readonly<Record<string, string>>;
  /** The first variable that it names. */
  readonly source: string | undefined;
  /** As declared, with names of variables and without secrets: tells templates apart. */
  readonly shape: string;
}

// `${authorization}` stands for what the session itself sends under that name, which is only known when it opens.
const VARIABLE = /\$\{(?!authorization\})([A-Za-z_][A-Za-z0-9_]*)\}/g;
const DEEPEST = 8;

/**
 * Reads the map under `path` of the block (`connection_init`, `login.variables`), with its variables filled in for
 * `origin`. A variable that is not set leaves its entry out. Undefined where there is no such map.
 */
export function readSecretTemplate(
  path: string,
  capability: SessionCapability,
  context: TargetContext,
  origin: string,
): FilledTemplate | undefined {
  let declared: JsonValue | undefined = capability.block;
  for (const key of path.split(".")) declared = isJsonObject(declared) ? getOwn(declared, key) : undefined;
  if (declared === undefined || declared === null) return undefined;
  if (!isJsonObject(declared)) {
    fail("invalid-argument", `:${path} of ${JSON.stringify(capability.id)} is no map.`, {
      remedy: `Write it in the :${PROVIDER} block like {:authorization "Bearer \${NAME_OF_A_VARIABLE}"}.`,
    });
  }
  const credentials: Record<string, string> = {};
  let source: string | undefined;
  const fill = (value: JsonValue, where: string, depth: number): { value: JsonValue | undefined; shown: JsonValue } => {
    if (depth > DEEPEST) fail("invalid-argument", `:${path} of ${JSON.stringify(capability.id)} nests too deep.`);
    if (Array.isArray(value)) {
      const items = value.map((item, index) => fill(item, `${where} ${index}`, depth + 1));
      return { value: items.flatMap((item) => item.value ?? []), shown: items.map(({ shown }) => shown) };
    }
    if (isJsonObject(value)) {
      const filled: JsonObject = Object.create(null) as JsonObject;
      const shown: JsonObject = Object.create(null) as JsonObject;
      for (const [key, item] of Object.entries(value)) {
        const inner = fill(item, `${where} ${key}`, depth + 1);
        if (inner.value !== undefined) filled[key] = inner.value;
        const isLiteral = typeof item === "string" && inner.value === item && isSecretName(key);
        if (isLiteral) credentials[`${where} ${key}`] = item;
        shown[key] = isLiteral ? "" : inner.shown;
      }
      return { value: filled, shown };
    }
    if (typeof value !== "string") return { value, shown: value };
    let isMissing = false;
    const text = value.replace(VARIABLE, (_match, name: string) => {
      source ??= name;
      const secret = context.secret(name, { origin })?.trim();
      if (secret === undefined || secret === "") isMissing = true;
      else credentials[`variable ${name}`] = secret;
      return secret ?? "";
    });
    return { value: isMissing ? undefined : text, shown: value };
  };
  const { value, shown } = fill(declared, path, 0);
  return { value: value as JsonObject, credentials, source, shape: JSON.stringify(shown) };
}
