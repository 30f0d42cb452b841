import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlace, type Place } from "./ccos-process.ts";

let place: Place;
beforeAll(async () => {
  place = await createPlace();
  await place.write({
    "app/main.rtfs": "(module main (import lib.geo :as geo) (def area (geo/area 3)))\nmain/area",
    "app/lib/geo.rtfs": "(module lib.geo (def two 2) (defn area [x] (* x x two)))",
    "app/circle.rtfs": "(module circle (import lib.round :as r))",
    "app/lib/round.rtfs": "(module lib.round (import back :as b))",
    "app/lib/back.rtfs": "(module back (import lib.round :as r))",
    "app/escape.rtfs": "(module escape (import other :as o))",
    "extra.rtfs": '(capability "acme.double" :description "d" :implementation (fn [n] (* 2 n)))',
    "load.rtfs": '(let [id (load-capability "extra.rtfs")] [id (call id 21)])',
  });
});
afterAll(() => place.remove());

describe("a program of several files", () => {
  test.each(["run", "eval"])("%s imports modules from beside the importing file", async (command) => {
    const args = command === "run" ? ["run", "app/main.rtfs"] : ["eval", "--file", "app/main.rtfs"];
    expect(await place.ccos(args)).toMatchObject({ code: 0, stdout: "18\n" });
  });

  test("that imports in a circle is refused with the path, as a bad file", async () => {
    const { code, stderr } = await place.ccos(["run", "app/circle.rtfs"]);
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/error\[read-error\][\s\S]*lib\.round → back → lib\.round/),
    ]);
  });

  test("does not import what is not there", async () => {
    const { code, stderr } = await place.ccos(["run", "app/escape.rtfs"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/Module not found: other[\s\S]*app\/escape\.rtfs:1/)]);
  });

  test("loads a capability file and calls what it declares", async () => {
    expect(await place.ccos(["run", "load.rtfs"])).toMatchObject({ code: 0, stdout: '["acme.double" 42]\n' });
  });
});
