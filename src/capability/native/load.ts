import { vector } from "../../rtfs/index.ts";
import type { Manifest } from "../manifest.ts";
import { NativeArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

const ID = "ccos.capability.load";

/** Loads the capabilities of a file or folder, for all that is called from then on; gives their ids. */
export type LoadFile = (path: string) => Promise<readonly string[]>;

/**
 * What a program loads is as trusted as the program, which could do by itself whatever the file says. So the
 * code of a capability may only load where its file is trusted and declares the effect `:load`, and the code
 * of an untrusted file never.
 */
export function loadCapability(load: LoadFile): Manifest {
  return nativeCapability({
    id: ID,
    description:
      "Loads a capability file, or a folder of them, relative to the current folder. Gives its id, or a vector of ids.",
    effects: [":filesystem", ":load"],
    run: async (args) => {
      const ids = await load(new NativeArguments(ID, ["path"], args).string("path"));
      const [only] = ids;
      return ids.length === 1 && only !== undefined ? only : vector([...ids]);
    },
  });
}
