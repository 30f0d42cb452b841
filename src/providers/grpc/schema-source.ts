import { dirname, isAbsolute, relative, resolve, sep } from "node:path";

import { fail, getOwn } from "../../kernel/index.ts";
import type { SettingReader } from "../../http/index.ts";
import type { SessionCapability } from "../../session/handler.ts";

/** Where the descriptions of messages come from. Paths are absolute. */
export type SchemaSource =
  | { readonly kind: "reflection" }
  | { readonly kind: "proto"; readonly file: string; readonly paths: readonly string[] }
  | { readonly kind: "descriptor-set"; readonly file: string };

/** Which of `:proto`, `:descriptor_set` and `:reflection` a capability declares; without any, the server is asked. */
export function readSchemaSource(capability: SessionCapability, read: SettingReader): SchemaSource {
  const proto = read("proto") || undefined;
  const set = read("descriptor_set") || undefined;
  const reflection = read("reflection");
  const id = JSON.stringify(capability.id);
  if (reflection !== undefined && reflection !== "true" && reflection !== "false")
    fail("invalid-argument", `:reflection of ${id} is neither true nor false.`);
  const declared = [proto, set, reflection === "true" ? reflection : undefined].filter((one) => one !== undefined);
  if (declared.length > 1) {
    fail("invalid-argument", `${id} declares several sources of its messages.`, {
      remedy: "Keep one of :proto, :descriptor_set and :reflection true.",
    });
  }
  if (proto !== undefined) {
    const file = pathOf(capability, "proto", proto);
    const paths = declaredPaths(capability, read).map((path) => pathOf(capability, "proto_path", path));
    return { kind: "proto", file, paths: [...new Set([...paths, dirname(file)])] };
  }
  if (set !== undefined) return { kind: "descriptor-set", file: pathOf(capability, "descriptor_set", set) };
  if (reflection === "false") {
    fail("invalid-argument", `${id} does not say what its messages look like.`, {
      remedy: "Add :proto or :descriptor_set, or :reflection true.",
    });
  }
  return { kind: "reflection" };
}

/**
 * A path that a capability names, relative to its own file (a text: to the working directory). One that is not trusted
 * reads only below its folder: what a broken file is told to hold would otherwise show what others hold.
 */
export function pathOf(capability: SessionCapability, key: string, text: string): string {
  const id = JSON.stringify(capability.id);
  if (text.includes("\0")) fail("invalid-argument", `:${key} of ${id} has a NUL.`);
  const folder = capability.file === undefined ? process.cwd() : dirname(resolve(capability.file));
  const path = resolve(folder, text);
  const from = relative(folder, path);
  if (!capability.trusted && (from === ".." || from.startsWith(`..${sep}`) || isAbsolute(from))) {
    fail("permission-denied", `${id} is not trusted, so its :${key} may not lead out of the folder of its file.`, {
      remedy: "If you trust it: ccos trust the folder, or put the file beside the capability.",
    });
  }
  return path;
}

function declaredPaths(capability: SessionCapability, read: SettingReader): string[] {
  for (const key of ["proto_path", "proto_paths", "include_paths", "import_paths"]) {
    const own = getOwn(capability.block, key);
    if (!Array.isArray(own)) continue;
    if (!own.every((path) => typeof path === "string"))
      fail("invalid-argument", `:${key} of ${JSON.stringify(capability.id)} is no vector of texts.`);
    return own;
  }
  const text = read("proto_path");
  return text === undefined || text === "" ? [] : [text];
}
