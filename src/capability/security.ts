import { fail } from "../kernel/index.ts";
import { defaultEffects, HARMLESS_EFFECTS, normaliseEffects } from "./effects.ts";
import type { Manifest } from "./manifest.ts";

/** `pure`: no capability at all; `controlled`: only those listed; `full`: all. */
export type SecurityLevel = "pure" | "controlled" | "full";

export interface SecurityOptions {
  /** Default `full`. */
  readonly level?: SecurityLevel | undefined;
  /** With `controlled`: the ids that may be called. A final `*` stands for any rest, as in `acme.*`. */
  readonly allowedIds?: readonly string[] | undefined;
  /** Where given, every effect of a capability must be among these. */
  readonly allowedEffects?: readonly string[] | undefined;
  /** A capability with one of these effects is refused, whatever else is allowed. */
  readonly deniedEffects?: readonly string[] | undefined;
}

/** What the code of one program, or of one capability, may call. Narrowed on the way down, never widened. */
export class Security {
  static readonly FULL: Security = new Security({});

  readonly level: SecurityLevel;
  readonly #ids: ReadonlySet<string>;
  readonly #prefixes: readonly string[];
  /** Every list must allow: one from the user, and one from each capability whose code is being run. */
  readonly #allowed: readonly ReadonlySet<string>[];
  readonly #denied: ReadonlySet<string>;

  constructor(options: SecurityOptions, outer?: Security) {
    this.level = options.level ?? "full";
    const ids = options.allowedIds ?? [];
    this.#ids = new Set(ids.filter((id) => !id.endsWith("*")));
    this.#prefixes = ids.filter((id) => id.endsWith("*")).map((id) => id.slice(0, -1));
    const own = options.allowedEffects === undefined ? [] : [new Set(normaliseEffects(options.allowedEffects))];
    this.#allowed = [...(outer === undefined ? [] : outer.#allowed), ...own];
    this.#denied = new Set([
      ...(outer === undefined ? [] : outer.#denied),
      ...normaliseEffects(options.deniedEffects ?? []),
    ]);
  }

  /**
   * What the own code of a capability may call: its declared effects, within what its caller may do; the
   * code of an untrusted file only what is harmless. That the capability was allowed by its id vouches for
   * the ids it calls in turn.
   */
  forCodeOf(manifest: Manifest): Security {
    const effects = manifest.origin.trusted ? [...manifest.effects, ...HARMLESS_EFFECTS] : HARMLESS_EFFECTS;
    return new Security({ allowedEffects: effects }, this);
  }

  /** Throws `permission-denied` where the level forbids the call. */
  checkId(id: string): void {
    if (this.level === "full") return;
    if (this.level === "controlled" && (this.#ids.has(id) || this.#prefixes.some((prefix) => id.startsWith(prefix))))
      return;
    fail(
      "permission-denied",
      `Security violation: call operation on capability '${id}' not allowed in context: ${this.level}`,
      {
        remedy:
          this.level === "pure"
            ? "Run the program where capabilities may be called."
            : `Where security is set (security.allow in the configuration), add "${id}" to what may be called.`,
        details: { capability: id, level: this.level },
      },
    );
  }

  /** Throws `permission-denied` where the effects of the capability are denied, or not all allowed. */
  checkEffects(manifest: Manifest): void {
    if (this.#denied.size === 0 && this.#allowed.length === 0) return;
    const effects = effectsOf(manifest);
    const denied = effects.find((effect) => this.#denied.has(effect));
    if (denied !== undefined)
      refuse(manifest, denied, "is denied here", "Call it from a context that does not deny this effect.");
    for (const allowed of this.#allowed) {
      const other = effects.find((effect) => !allowed.has(effect));
      if (other !== undefined) {
        refuse(
          manifest,
          other,
          `is not among those allowed here (${[...allowed].join(" ") || "none"})`,
          "Declare the effect under :effects of the capability that makes this call, and trust its file; or allow it in the context.",
        );
      }
    }
  }
}

/**
 * The declared effects, or those that the id stands for. What a provider executes leaves this process, so
 * a file that calls it harmless is not believed.
 */
export function effectsOf(manifest: Manifest): readonly string[] {
  const effects = manifest.effects.length > 0 ? manifest.effects : defaultEffects(manifest.id);
  const harmless = effects.every((effect) => HARMLESS_EFFECTS.includes(effect));
  return harmless && manifest.execution.kind === "provider" ? [...effects, ":network"] : effects;
}

function refuse(manifest: Manifest, effect: string, why: string, remedy: string): never {
  return fail(
    "permission-denied",
    `Security violation: capability '${manifest.id}' has the effect ${effect}, which ${why}`,
    {
      remedy,
      details: { capability: manifest.id, effect },
    },
  );
}
