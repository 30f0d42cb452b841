import { flattenMetadata } from "../capability/index.ts";
import { isJsonObject, type JsonObject } from "../kernel/index.ts";
import type { SessionHandler, TargetContext } from "../session/handler.ts";

/** An environment in which nothing is set and everything is allowed. */
const CONTEXT: TargetContext = {
  variable: () => undefined,
  secret: () => undefined,
  authorizeEndpoint: () => {},
  authorizeCommand: () => {},
  endpointSettings: () => ({}),
};

/**
 * Whether its handler could call an operation that is declared so. Throws what it would throw at the first call: an
 * operation that can never be called is not imported.
 */
export function checkBlock(
  handler: Pick<SessionHandler, "provider" | "target">,
  id: string,
  metadata: JsonObject,
): void {
  const block = metadata[handler.provider];
  const capability = {
    id,
    metadata: flattenMetadata(metadata),
    block: isJsonObject(block) ? block : {},
    idempotent: undefined,
    trusted: true,
  };
  handler.target(capability, CONTEXT);
}
