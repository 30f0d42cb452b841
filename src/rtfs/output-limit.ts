import { CcosError } from "../kernel/index.ts";

/** What a value comes to as text or JSON is more than may leave a run. */
export function outputTooLarge(maxOutputSize: number): CcosError {
  return new CcosError("interrupted", `The value is larger than ${maxOutputSize} characters as text.`, {
    remedy: "Give back the part that is needed, or raise the limit maxOutputSize.",
    details: { limit: "maxOutputSize" },
  });
}
