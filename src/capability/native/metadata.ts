import { CcosError, createRedactor, didYouMean } from "../../kernel/index.ts";
import { fromJson, isKeywordName, keyword, RtfsMap, type MapKey, type Value } from "../../rtfs/index.ts";
import type { Manifest } from "../manifest.ts";
import { NativeArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

const ID = "ccos.capability.metadata";

/** What is known of the capabilities that are loaded. */
export interface CapabilityLookup {
  get(id: string): Manifest | undefined;
  list(): Manifest[];
}

/**
 * What a capability declares of itself: its metadata as nested in its file, and flattened. A credential that
 * somebody wrote into the file is for the call alone, and no program gets to see it.
 */
export function metadataCapability(lookup: CapabilityLookup): Manifest {
  const redactor = createRedactor();
  return nativeCapability({
    id: ID,
    description: "The metadata of a capability: :id, :metadata as nested in its file, :flattened as handlers read it.",
    run: (args) => {
      const id = new NativeArguments(ID, ["id"], args).string("id");
      const manifest = lookup.get(id);
      if (manifest === undefined) {
        throw new CcosError("not-found", `There is no capability ${JSON.stringify(id.slice(0, 200))}.`, {
          remedy:
            didYouMean(
              id,
              lookup.list().map((each) => each.id),
            ) || undefined,
        });
      }
      return RtfsMap.of([
        [keyword("id"), manifest.id],
        [keyword("metadata"), fromJson(redactor.redactValue(manifest.metadata), { keys: "keywords" })],
        [keyword("flattened"), flatValue(redactor.redactValue(manifest.flatMetadata))],
      ]);
    },
  });
}

function flatValue(flat: Readonly<Record<string, string>>): Value {
  return RtfsMap.of(
    Object.entries(flat).map(([key, value]): [MapKey, Value] => [isKeywordName(key) ? keyword(key) : key, value]),
  );
}
