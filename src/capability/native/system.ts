import { CcosError, sleep, type Clock } from "../../kernel/index.ts";
import type { Manifest } from "../manifest.ts";
import { NativeArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

const LONGEST_SLEEP_MS = 86_400_000;

export function systemCapabilities(clock: Clock, readVariable: (name: string) => string | undefined): Manifest[] {
  return [
    nativeCapability({
      id: "ccos.system.get-env",
      description: "A variable of the environment, or nil.",
      run: (args) => readVariable(new NativeArguments("ccos.system.get-env", ["name"], args).string("name")) ?? null,
    }),
    nativeCapability({
      id: "ccos.system.current-time",
      description: "The time now, as ISO 8601 text in UTC.",
      run: () => new Date(clock.now()).toISOString(),
    }),
    nativeCapability({
      id: "ccos.system.current-timestamp-ms",
      description: "The time now, in milliseconds since 1970.",
      run: () => Math.round(clock.now()),
    }),
    nativeCapability({
      id: "ccos.system.sleep-ms",
      description: "Waits this many milliseconds, at most a day.",
      run: async (args, { signal }) => {
        const ms = new NativeArguments("ccos.system.sleep-ms", ["ms"], args).number("ms");
        if (!(ms >= 0 && ms <= LONGEST_SLEEP_MS)) {
          throw new CcosError("invalid-argument", `ccos.system.sleep-ms waits 0 to ${LONGEST_SLEEP_MS} ms, not ${ms}.`);
        }
        await sleep(clock, ms, signal);
        return null;
      },
    }),
  ];
}
