import assert from "node:assert/strict";
import type { JsonObject, JsonValue } from "../../src/kernel/index.ts";
import { driveHandler } from "../drive-handler.ts";
import { failsWith, type Check } from "./bench.ts";

/** Checks of members that a handler need not have; each is made where it has the member. */
export const OPTIONAL: readonly Check[] = [
  {
    name: "snapshot and restore: another handler goes on with the session, without opening one",
    member: "restore",
    needs: ["restore", "sessions"],
    async run(bench) {
      const { peer, handler, capability, rig } = bench;
      const session = await bench.open();
      await bench.answers(session, "before");
      const record = handler.snapshot?.(session);
      assert.ok(record, "the session has a record");
      const kept = JSON.parse(JSON.stringify(record)) as JsonObject;
      const other = driveHandler(rig.createHandler(), { env: peer.env });
      try {
        const restored = await other.restore(kept, capability);
        assert.deepEqual(await other.call(restored, capability, peer.input("after")), peer.output("after"));
        assert.equal(peer.opened, 1);
      } finally {
        await other.close();
      }
    },
  },
  {
    name: "snapshot and restore: a session that the peer has forgotten is lost, not believed in",
    member: "restore",
    needs: ["restore", "sessions", "restart"],
    async run(bench) {
      const { peer, handler, capability, rig } = bench;
      const record = handler.snapshot?.(await bench.open());
      assert.ok(record, "the session has a record");
      await peer.restart();
      const other = driveHandler(rig.createHandler(), { env: peer.env });
      const goOn = async (): Promise<JsonValue> =>
        other.call(await other.restore(record, capability), capability, peer.input("after"));
      try {
        await failsWith(goOn(), "session-lost");
        assert.equal(peer.ran("after"), 0);
      } finally {
        await other.close();
      }
    },
  },
  {
    name: "snapshot and restore: a record that is damaged is refused",
    member: "restore",
    needs: ["restore"],
    async run(bench) {
      const { driver, capability } = bench;
      const damaged: JsonObject[] = [{}, { id: 7, "a key from nowhere": [null] }];
      for (const record of damaged) {
        await failsWith(bench.within(driver.restore(record, capability), "Restoring"), "session-lost");
      }
    },
  },
  {
    name: "probe: yes for a session that is alive, no for one that is lost",
    member: "probe",
    async run(bench) {
      const { driver, rig } = bench;
      const session = await bench.open();
      const probe = (): Promise<boolean> => bench.within(driver.probe(session), "The probe");
      assert.equal(await probe(), true);
      const [loss] = Object.keys(rig.losses);
      if (loss === undefined) return;
      await bench.lose(loss, () => driver.lost.length);
      assert.equal(await probe(), false);
    },
  },
  {
    name: "renewCredentials: 16 calls with an expired credential renew it once, and all are answered",
    member: "renewCredentials",
    needs: ["renewal"],
    async run(bench) {
      const { peer } = bench;
      assert.ok(peer.renewal, 'the peer has a `renewal`, or the rig says why it is `without: { renewal: "…" }`');
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      peer.renewal.expire();
      const texts = Array.from({ length: 16 }, (_, index) => `text-${index}`);
      await Promise.all(texts.map((text) => bench.poolAnswers(pool, text)));
      assert.equal(peer.renewal.count, 1);
      assert.deepEqual(
        texts.filter((text) => peer.ran(text) !== 1),
        [],
      );
    },
  },
];
