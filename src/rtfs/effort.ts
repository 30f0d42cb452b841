/**
 * How work on large values is paid for. What compares, orders, prints or converts them is used by runs and
 * outside of them; the evaluator puts its own accounting here, and without it the work costs nothing.
 */
export const effort: { spend(steps: number): void } = { spend: () => {} };

/** Parts of a value looked at between two reports. */
export const PARTS_A_REPORT = 1024;
