import { randomFillSync } from "node:crypto";

/** Chance as a parameter, so that a test can repeat a run by its seed. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };

/** mulberry32: a small generator with a full 2^32 period; for tests and jitter, never for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}

/** An integer in [low, high]. */
export function randomInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const ID_LENGTH = 16;

// Drawn for many ids at once: asking the system for each would cost more than the rest of an id.
const bytes = Buffer.alloc(ID_LENGTH * 256);
let drawn = "";
let used = 0;

/** An id that people can read aloud and nobody can guess: `prefix_` and 80 random bits. */
export function createId(prefix: string): string {
  if (used === drawn.length) {
    randomFillSync(bytes);
    for (let index = 0; index < bytes.length; index++)
      bytes[index] = ALPHABET.charCodeAt((bytes[index] as number) & 31);
    drawn = bytes.toString("latin1");
    used = 0;
  }
  const start = used;
  used += ID_LENGTH;
  return `${prefix}_${drawn.slice(start, used)}`;
}
