import { ensureInstalled as install } from "../scripts/private-package.ts";

/** Installs the peers as locked, unless these very ones are there. */
export function ensureInstalled(): void {
  install(import.meta.dirname);
}
