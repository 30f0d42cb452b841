import { createRequire } from "node:module";
import type * as FastCheck from "fast-check";

// By its CommonJS door: the other name of the package is this file, in vitest.config.ts.
const { default: fc } = createRequire(import.meta.url)("fast-check") as typeof FastCheck;

/**
 * Properties are tried with the same cases in every run, so that a run tells of the change it was made for and of
 * nothing else. `FC_SEED=$RANDOM npm test` tries others.
 */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["FC_SEED"] ?? 2026) });

export default fc;
