import type { Type } from "../../rtfs/index.ts";
import { defaultEffects } from "../effects.ts";
import type { Manifest, NativeFunction } from "../manifest.ts";

export interface NativeDeclaration {
  readonly id: string;
  readonly description: string;
  readonly run: NativeFunction;
  /** Default: what the id stands for. */
  readonly effects?: readonly string[] | undefined;
  readonly inputSchema?: Type | undefined;
  readonly outputSchema?: Type | undefined;
}

/** The manifest of a capability that is a function of this process. */
export function nativeCapability(declaration: NativeDeclaration): Manifest {
  return {
    id: declaration.id,
    name: declaration.id,
    description: declaration.description,
    version: "1.0.0",
    language: "native",
    permissions: [],
    effects: declaration.effects ?? defaultEffects(declaration.id),
    inputSchema: declaration.inputSchema,
    outputSchema: declaration.outputSchema,
    metadata: {},
    flatMetadata: Object.create(null) as Record<string, string>,
    execution: { kind: "native", run: declaration.run },
    idempotent: undefined,
    origin: { file: undefined, place: undefined, trusted: true },
    extra: {},
  };
}
