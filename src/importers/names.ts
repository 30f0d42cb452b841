import { createHash } from "node:crypto";
import { fail, oneLine } from "../kernel/index.ts";

/** An operation of a server, with the id it gets here and the file it goes to. */
export interface Named<T> {
  readonly item: T;
  readonly id: string;
  /** A bare name: no folder, whatever the server called its operation. */
  readonly fileName: string;
}

// Two segments, a suffix and the name of a draft together stay within the 255 bytes a file name may have.
const LONGEST_SEGMENT = 100;
const LONGEST_PREFIX = 80;
const PREFIX = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
// Windows opens a device instead of a file under these names, whatever the extension.
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Text from outside as one segment of an id: each run of other characters than `[A-Za-z0-9_-]` becomes `-`. */
export function idSegment(text: string): string {
  const segment = text.replace(/[^A-Za-z0-9_-]+/g, "-");
  if (segment.length <= LONGEST_SEGMENT) return segment;
  // The hash keeps two long names apart that begin alike.
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 10);
  return `${segment.slice(0, LONGEST_SEGMENT - hash.length - 1)}-${hash}`;
}

/** A prefix given by a person, checked: it is theirs, so it is refused and not changed. */
export function checkPrefix(prefix: string): string {
  if (!PREFIX.test(prefix) || prefix.length > LONGEST_PREFIX) {
    fail("invalid-argument", `${JSON.stringify(oneLine(prefix, 100))} cannot begin an id.`, {
      remedy: `Use letters, digits, "_" and "-" in segments joined by ".", at most ${LONGEST_PREFIX} characters.`,
    });
  }
  if (/^ccos(?:\.|$)/i.test(prefix)) {
    fail("invalid-argument", `The prefix "${prefix}" is taken: ids that begin with "ccos." belong to the runtime.`, {
      remedy: "Choose another --prefix.",
    });
  }
  return prefix;
}

/**
 * Gives every operation an id under the prefix and a file of its own. A name that needs no change gets its
 * plain id even when another one, listed earlier, would become the same; what is left gets `-2` and so on.
 */
export function assignNames<T>(
  prefix: string,
  items: readonly T[],
  nameOf: (item: T) => string,
  warn: (message: string) => void,
): Named<T>[] {
  const ids = new Set<string>();
  const files = new Set<string>();
  const named = new Map<T, Named<T>>();
  const isPlain = (item: T): boolean => idSegment(nameOf(item)) === nameOf(item);
  for (const item of [...items.filter(isPlain), ...items.filter((one) => !isPlain(one))]) {
    const wanted = `${prefix}.${idSegment(nameOf(item))}`;
    const id = firstFree(wanted, (candidate) => ids.has(candidate));
    ids.add(id);
    if (id !== wanted) {
      warn(`${JSON.stringify(oneLine(nameOf(item), 100))} would be "${wanted}", which is taken; it became "${id}".`);
    }
    // Some file systems do not see the case, so files must differ in more than that.
    const file = firstFree(id, (candidate) => files.has(candidate.toLowerCase()));
    files.add(file.toLowerCase());
    named.set(item, { item, id, fileName: `${DEVICE.test(file) ? "_" : ""}${file}.rtfs` });
  }
  return items.map((item) => named.get(item) as Named<T>);
}

function firstFree(wanted: string, isTaken: (candidate: string) => boolean): string {
  let candidate = wanted;
  for (let next = 2; isTaken(candidate); next++) candidate = `${wanted}-${next}`;
  return candidate;
}
