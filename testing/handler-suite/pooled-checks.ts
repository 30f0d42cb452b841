import assert from "node:assert/strict";
import { failsWith, type Bench, type Check } from "./bench.ts";
import type { HandlerRig } from "./rig.ts";

/** What a handler and the pool promise together. */
export function pooledChecks(rig: HandlerRig): Check[] {
  const losses = Object.keys(rig.losses);
  const silent = losses.filter((loss) => rig.losses[loss] === "silent");
  return [...SHARING, ...losses.map(healing), ...silent.map(forgettingAgainAndAgain), ...FAULTS, ...CLOSING];
}

const many = (count: number, name = "text"): string[] =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`);

function ranOnce({ peer }: Bench, texts: readonly string[]): void {
  assert.deepEqual(
    texts.filter((text) => peer.ran(text) !== 1).map((text) => `${text}: ${peer.ran(text)} times`),
    [],
  );
}

const SHARING: Check[] = [
  {
    name: "pool: 32 first calls at once open one session, and each gets its own answer",
    async run(bench) {
      const pool = bench.pool();
      const texts = many(32);
      await Promise.all(texts.map((text) => bench.poolAnswers(pool, text)));
      assert.equal(pool.countOf("sessionOpened"), 1);
      if (bench.has("sessions")) assert.equal(bench.peer.opened, 1);
      ranOnce(bench, texts);
    },
  },
  {
    name: "pool: two identities never share a session",
    needs: ["credentials"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool();
      const variable = peer.credential?.variable ?? "";
      const values = [peer.env[variable], peer.credential?.other].map(String);
      const used = await Promise.all(
        many(20).map(async (text, index) => {
          const token = values[index % 2] as string;
          const caller = { id: `caller-${index % 2}`, credentials: { [variable]: token } };
          return [token, (await pool.call(peer.input(text), { caller })).session?.id] as const;
        }),
      );
      const sessionsOf = (token: string | undefined): Set<string | undefined> =>
        new Set(used.filter(([held]) => held === token).map(([, id]) => id));
      assert.equal(sessionsOf(values[0]).size, 1);
      assert.equal(sessionsOf(values[1]).size, 1);
      assert.notDeepEqual(sessionsOf(values[0]), sessionsOf(values[1]));
    },
  },
  {
    name: "pool: a rotated credential gets a session of its own, and the old one is ended",
    needs: ["credentials", "sessions"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      peer.env[peer.credential?.variable ?? ""] = String(peer.credential?.other);
      await bench.poolAnswers(pool, "after");
      assert.equal(peer.opened, 2);
      await bench.eventually(() => peer.sessions === 1, "the session of the old credential has ended at the peer");
    },
  },
];

function healing(loss: string): Check {
  return {
    name: `pool: a session lost (${loss}) costs nobody an error: 8 calls at once share one new session, and each runs once`,
    async run(bench) {
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      await bench.lose(loss, () => pool.countOf("sessionLost"));
      const texts = many(8);
      await Promise.all(texts.map((text) => bench.poolAnswers(pool, text)));
      ranOnce(bench, texts);
      assert.deepEqual([pool.countOf("sessionLost"), pool.countOf("sessionOpened")], [1, 2]);
    },
  };
}

function forgettingAgainAndAgain(loss: string): Check {
  return {
    name: `pool: sessions lost (${loss}) again and again under 8 workers: every call is answered, and runs once`,
    async run(bench) {
      const pool = bench.pool();
      const texts = many(80);
      const rest = [...texts];
      const work = async (): Promise<void> => {
        for (let text = rest.shift(); text !== undefined; text = rest.shift()) {
          await bench.poolAnswers(pool, text);
          if (rest.length % 20 === 10) await bench.peer.lose(loss);
        }
      };
      await Promise.all(Array.from({ length: 8 }, work));
      ranOnce(bench, texts);
      assert.ok(pool.countOf("sessionLost") > 1);
      assert.ok(pool.countOf("sessionOpened") <= pool.countOf("sessionLost") + 1);
    },
  };
}

const FAULTS: Check[] = [
  {
    name: "pool: a call cut in mid-answer is not run again, unless that is harmless",
    needs: ["cut"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool();
      peer.dial("cut", 1);
      await failsWith(pool.call(peer.input("write")), "outcome-unknown");
      assert.equal(peer.ran("write"), 1);
      peer.dial("cut", 1);
      await bench.poolAnswers(pool, "read", true);
      assert.equal(peer.ran("read"), 2);
    },
  },
  {
    name: "pool: a peer that restarts is met again",
    needs: ["restart"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      await peer.restart();
      const texts = many(8);
      await Promise.all(texts.map((text) => bench.poolAnswers(pool, text, true)));
      ranOnce(bench, texts);
    },
  },
  {
    name: "pool: an opening that hangs fails for all who wait, leaves nothing behind, and the next one is met",
    needs: ["hangs-opening"],
    async run(bench) {
      const { peer } = bench;
      // Long enough for a peer that is a process of its own to start on a busy machine.
      const pool = bench.pool({ open_timeout_ms: 1_000 });
      peer.dial("hangs-opening");
      await Promise.all(many(4).map((text) => failsWith(pool.call(peer.input(text)), "unavailable")));
      assert.deepEqual(pool.manager.list(), []);
      await bench.eventually(() => peer.connections === 0, "nothing stays open");
      peer.heal();
      await bench.poolAnswers(pool, "after");
    },
  },
  {
    name: "pool: a call that hangs to its deadline gives its slot back",
    needs: ["hangs-calling"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool({ max_in_flight: 1 });
      await bench.poolAnswers(pool, "before");
      peer.dial("hangs-calling");
      await failsWith(pool.call(peer.input("slow"), { timeoutMs: 100 }), "deadline-exceeded");
      peer.heal();
      await bench.within(bench.poolAnswers(pool, "next"), "The next call", 1 / 4);
    },
  },
  {
    name: "pool: after an answer that breaks the protocol the next call is served",
    needs: ["malformed"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      peer.dial("malformed", 1);
      await failsWith(pool.call(peer.input("broken")), "protocol-error");
      await bench.poolAnswers(pool, "after");
      assert.equal(peer.ran("broken"), 1);
    },
  },
];

const CLOSING: Check[] = [
  {
    name: "pool: closing lets running calls end, refuses new ones, and leaves nothing open",
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool({ max_sessions: 2, max_in_flight: 1 });
      const release = peer.hold();
      const calls = many(2).map((text) => bench.poolAnswers(pool, text));
      await bench.eventually(() => peer.held === 2, "both calls are at the peer");
      const closed = pool.close();
      await failsWith(pool.call(peer.input("late")), "pool-closed");
      release();
      await Promise.all(calls);
      await bench.within(closed, "Closing");
      await bench.eventually(() => peer.sessions + peer.connections === 0, "nothing is left at the peer");
      assert.equal(pool.countOf("sessionClosed"), 2);
      assert.equal(peer.ran("late"), 0);
    },
  },
  {
    name: "pool: closing does not wait longer than it may for a call that hangs",
    needs: ["hangs-calling"],
    async run(bench) {
      const { peer } = bench;
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      peer.dial("hangs-calling");
      const call = failsWith(pool.call(peer.input("slow")), "pool-closed");
      const closed = pool.close({ deadlineMs: 200 });
      await bench.within(Promise.all([call, closed]), "Closing", 1 / 2);
      await bench.eventually(() => peer.sessions + peer.connections === 0, "nothing is left at the peer");
    },
  },
  {
    name: "pool: closing when the peer is gone ends all the same, without an error",
    needs: ["stop"],
    async run(bench) {
      const pool = bench.pool();
      await bench.poolAnswers(pool, "before");
      await bench.peer.stop();
      await bench.within(pool.close(), "Closing");
      assert.deepEqual(pool.manager.list(), []);
    },
  },
  {
    name: "pool: when all is closed, nothing keeps the process alive",
    async run(bench) {
      const before = heldResources();
      const pool = bench.pool();
      await Promise.all(many(4).map((text) => bench.poolAnswers(pool, text)));
      await pool.close();
      await bench.eventually(() => heldResources() <= before, "sockets, pipes and processes are as many as before");
    },
  },
];

/** Sockets, pipes and child processes that keep this process alive, those of the peer included. */
function heldResources(): number {
  const kinds = /^(?:TCPSocketWrap|TLSWrap|PipeWrap|ProcessWrap|TCPConnectWrap|FSEventWrap|UDPWrap)$/;
  return process.getActiveResourcesInfo().filter((kind) => kinds.test(kind)).length;
}
