import { createHash } from "node:crypto";
import { fail, oneLine } from "../kernel/index.ts";

/** An operation of a server, with the id it gets here and the file it goes to. */
export interface Named<T> {
  readonly item: T;
  readonly id: string;
  /** A bare name: no folder, whatever the server called its operation. */
  readonly fileName: string;
}

// A prefix, what follows it, a suffix and the name of a draft together stay within the 255 bytes a file name may have.
const LONGEST_SEGMENT = 100;
const LONGEST_REST = 112;
const LONGEST_PREFIX = 80;
const PREFIX = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
// Windows opens a device instead of a file under these names, whatever the extension.
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Text from outside as one segment of an id: each run of other characters than `[A-Za-z0-9_-]` becomes `-`. */
export function idSegment(text: string): string {
  return shortened(text.replace(/[^A-Za-z0-9_-]+/g, "-"), text, LONGEST_SEGMENT);
}

/** What follows the prefix of an id: a segment for each part, as far as there is room for them. */
function restOf(parts: readonly string[]): string {
  return shortened(parts.map((part) => idSegment(part) || "-").join("."), parts.join("\n"), LONGEST_REST);
}

function shortened(text: string, original: string, longest: number): string {
  if (text.length <= longest) return text;
  // The hash keeps two long names apart that begin alike.
  const hash = createHash("sha256").update(original).digest("hex").slice(0, 10);
  return `${text.slice(0, longest - hash.length - 1)}-${hash}`;
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
 *
 * @param partsOf what follows the prefix, segment by segment
 */
export function assignNames<T>(
  prefix: string,
  items: readonly T[],
  partsOf: (item: T) => readonly string[],
  warn: (message: string, item: T) => void,
): Named<T>[] {
  const ids = new FreeNames();
  const files = new FreeNames();
  const plain: Wanted<T>[] = [];
  const changed: Wanted<T>[] = [];
  for (const [index, item] of items.entries()) {
    const parts = partsOf(item);
    const rest = restOf(parts);
    (rest === parts.join(".") ? plain : changed).push({
      item,
      index,
      said: parts.join("."),
      wanted: `${prefix}.${rest}`,
    });
  }
  const named: Named<T>[] = [];
  for (const { item, index, said, wanted } of [...plain, ...changed]) {
    const id = ids.take(wanted, wanted);
    if (id !== wanted) {
      warn(`${JSON.stringify(oneLine(said, 100))} would be "${wanted}", which is taken; it became "${id}".`, item);
    }
    // Some file systems do not see the case, so files must differ in more than that.
    const file = files.take(id, id.toLowerCase());
    named[index] = { item, id, fileName: `${DEVICE.test(file) ? "_" : ""}${file}.rtfs` };
  }
  return named;
}

interface Wanted<T> {
  readonly item: T;
  readonly index: number;
  readonly said: string;
  readonly wanted: string;
}

/** Names that are all different, even where thousands want to be the same. */
class FreeNames {
  private readonly taken = new Set<string>();
  private readonly next = new Map<string, number>();

  /** @param key what has to differ: the name, or the name as a file system sees it */
  take(wanted: string, key: string): string {
    if (!this.taken.has(key)) {
      this.taken.add(key);
      return wanted;
    }
    let number = this.next.get(key) ?? 2;
    while (this.taken.has(`${key}-${number}`)) number++;
    this.next.set(key, number + 1);
    this.taken.add(`${key}-${number}`);
    return `${wanted}-${number}`;
  }
}
