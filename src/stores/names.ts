import { fail } from "../kernel/index.ts";

const LONGEST = 512;

/** A name that every store can keep; throws `invalid-argument` for any other. */
export function requireName(name: string): string {
  if (name === "" || name.length > LONGEST || !name.isWellFormed() || name.includes("\0")) {
    fail("invalid-argument", `A name in a store is a text of 1 to ${LONGEST} characters.`);
  }
  return name;
}

/** A time to live; throws `invalid-argument` for what is no number of milliseconds above 0. */
export function requireTtl(ttlMs: number): number {
  if (!(ttlMs > 0)) fail("invalid-argument", `A time to live is a number of milliseconds above 0, not ${ttlMs}.`);
  return ttlMs;
}
