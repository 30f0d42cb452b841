import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const BUFFER_BYTES = 64 * 1024;
let shared: Buffer | undefined;

/**
 * The text of a file, or its size where that is more than allowed. Synchronous: for a small file the
 * round trips of a promise cost several times the reading.
 */
export function readTextFile(path: string, maxBytes: number): string | { readonly size: number } {
  const file = openSync(path, "r");
  try {
    shared ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
    const read = fill(file, shared, Math.min(BUFFER_BYTES, maxBytes + 1));
    if (read > maxBytes) return { size: fstatSync(file).size };
    if (read < BUFFER_BYTES) return shared.toString("utf8", 0, read);

    const { size } = fstatSync(file);
    if (size > maxBytes) return { size };
    // One byte more than it had: a file that grows meanwhile is too large, not cut off.
    const whole = Buffer.allocUnsafeSlow(Math.max(size, read) + 1);
    shared.copy(whole, 0, 0, read);
    const length = read + fill(file, whole.subarray(read), whole.length - read);
    return length > maxBytes || length === whole.length ? { size: length } : whole.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}

/** Reads until the buffer holds `length` bytes or the file ends; one read may give less than there is. */
function fill(file: number, buffer: Buffer, length: number): number {
  let filled = 0;
  while (filled < length) {
    const read = readSync(file, buffer, filled, length - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
