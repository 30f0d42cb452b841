import { lstat, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CcosError, throwIfAborted } from "../kernel/index.ts";
import { isDescriptorSet, type Description } from "../providers/grpc/index.ts";
import { idSegment } from "./names.ts";
import { access, replaceFile } from "./replace-file.ts";

const LONGEST = 180;

/** A bare file name for the descriptor set of each service: different even where a file system does not see the case. */
export function descriptorFileNames(prefix: string, services: readonly string[]): Map<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const service of services) {
    const wanted = `${prefix}.${service.split(".").map(idSegment).join(".")}`.slice(0, LONGEST);
    let name = wanted;
    for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${wanted}-${number}`;
    taken.add(name.toLowerCase());
    names.set(service, `${name}.binpb`);
  }
  return names;
}

/**
 * Writes the descriptor set of each service beside the capabilities that name it, each at once or not at all. One that is
 * the same stays untouched; what is no descriptor set is never replaced.
 */
export async function saveDescriptorSets(
  description: Pick<Description, "descriptorSet">,
  files: ReadonlyMap<string, string>,
  { out, signal }: { readonly out: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  if (files.size === 0) return;
  await access(out, () => mkdir(out, { recursive: true }));
  for (const [service, fileName] of files) {
    throwIfAborted(signal);
    await saveOne(join(out, fileName), description.descriptorSet(new Set([service])));
  }
}

/** Removes descriptor sets under a prefix that no capability file of the folder names any more. */
export async function pruneDescriptorSets(out: string, prefix: string): Promise<void> {
  const names = await readdir(out).catch((): string[] => []);
  const orphans = new Set(names.filter((name) => name.startsWith(`${prefix}.`) && name.endsWith(".binpb")));
  for (const name of orphans.size === 0 ? [] : names) {
    if (!name.endsWith(".rtfs")) continue;
    const text = await readFile(join(out, name), "utf8").catch(() => "");
    for (const orphan of orphans) if (text.includes(`"${orphan}"`)) orphans.delete(orphan);
  }
  for (const orphan of orphans) {
    const path = join(out, orphan);
    const isOurs = (await lstat(path)).isFile() && (await isDescriptorSet(await readFile(path)));
    if (isOurs) await access(path, () => rm(path));
  }
}

async function saveOne(path: string, bytes: Uint8Array): Promise<void> {
  await access(path, async () => {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) {
      const known = found.isFile() ? await readFile(path) : undefined;
      if (known?.equals(bytes) === true) return;
      if (known === undefined || !(await isDescriptorSet(known))) {
        throw new CcosError("invalid-argument", `${path} is there already, and it is no descriptor set.`, {
          remedy: "Move it away, or import to another folder (--out).",
        });
      }
    }
    await replaceFile(path, bytes);
  });
}
