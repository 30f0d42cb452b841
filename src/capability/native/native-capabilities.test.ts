import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../../../testing/fake-clock.ts";
import { createEmitter, isCcosError, type JsonValue } from "../../kernel/index.ts";
import { evaluate, print } from "../../rtfs/index.ts";
import { createMarketplace } from "../create-marketplace.ts";
import type { CapabilityMarketplace } from "../marketplace.ts";
import { preludeBindings } from "../prelude.ts";
import { readCapabilities } from "../read-capabilities.ts";

let clock: FakeClock;
let market: CapabilityMarketplace;
let printed: string;
let logged: string;

beforeEach(() => {
  clock = createFakeClock();
  printed = "";
  logged = "";
  market = createMarketplace({
    clock,
    events: createEmitter(),
    delegate: {
      providers: () => [],
      manifestTraits: () => undefined,
      executeWithSession: () => Promise.reject(new Error("unused")),
    },
    readVariable: (name) => (name === "HOME" ? "/home/me" : undefined),
    output: { print: (text) => (printed += text), log: (text) => (logged += text) },
  });
});

async function run(text: string, caller?: string): Promise<string> {
  const host = market.createHost({ caller: caller === undefined ? undefined : { id: caller } });
  return print(await evaluate(text, { host, bindings: preludeBindings(), clock }));
}
const call = async (id: string, input?: JsonValue) => (await market.execute(id, input)).value;
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (error) {
    return isCcosError(error) ? error.code : String(error);
  }
  return undefined;
}

describe("ccos.capability.metadata", () => {
  it("gives what a file declares, nested and flattened", async () => {
    const { manifests } = readCapabilities(
      '(capability "acme.x" :description "d" :metadata {:owner {:team "geo" "a b" [1]}})',
      { trusted: true },
    );
    market.register(manifests[0]!);
    expect(await run('(call "ccos.capability.metadata" {:id "acme.x"})')).toBe(
      '{:id "acme.x" :metadata {:owner {:team "geo" "a b" [1]}} :flattened {:owner_team "geo" "owner_a b" "[1]"}}',
    );
    expect(await call("ccos.capability.metadata", "acme.x")).toMatchObject({
      id: "acme.x",
      flattened: { owner_team: "geo" },
    });
    expect(await codeOf(run('(call "ccos.capability.metadata" "acme.y")'))).toBe("not-found");
  });

  it("shows no credential that stands in the file, and the name of its variable all the same", async () => {
    const line = ':line {:auth_token "in-the-file-1" :auth_env_var "LINE_TOKEN" :headers {:x-api-key "in-the-file-2"}}';
    const { manifests } = readCapabilities(`(capability "acme.s" :description "d" :metadata {${line}})`, {
      trusted: true,
    });
    market.register(manifests[0]!);
    const shown = JSON.stringify(await call("ccos.capability.metadata", "acme.s"));
    expect(shown).not.toContain("in-the-file");
    expect(shown).toContain("LINE_TOKEN");
  });
});

describe("output", () => {
  it("goes to the sinks as str shows it, and gives nil", async () => {
    expect(
      await run('[(println "a" 1 [2 "b"] nil) (println) (call "ccos.io.print" "x") (log "l" :k) (tool/log 1)]'),
    ).toBe("[nil nil nil nil nil]");
    expect(printed).toBe('a 1 [2 "b"] nil\n\nx');
    expect(logged).toBe("l :k\n1\n");
  });
});

describe("data", () => {
  it.each([
    ['(call "ccos.json.parse" "{\\"a\\": [1, 2.0, null]}")', '{"a" [1 2.0 nil]}'],
    ['(call "ccos.data.parse-json" {:text "1"})', "1"],
    ['(call "ccos.json.stringify" {:b 1 :a [2.0]})', '"{\\"a\\":[2.0],\\"b\\":1}"'],
    ['(call "ccos.data.serialize-json" nil)', '"null"'],
    ['(call "ccos.json.stringify-pretty" {:a 1})', '"{\\n  \\"a\\": 1\\n}"'],
    ['(call "ccos.echo" {:a 1})', "{:a 1}"],
    ['(call "ccos.echo")', "nil"],
    ['(call "ccos.echo" 1 2)', "[1 2]"],
    ['(call "ccos.math.add" 1 2 3)', "6"],
    ['(call "ccos.math.add" [1 2.5])', "3.5"],
    ['(call "ccos.math.add" {:a 1 :b 2})', "3"],
    ['(call "ccos.math.add" :a 1 :b 2)', "3"],
  ])("%s is %s", async (text, value) => {
    expect(await run(text)).toBe(value);
  });

  it.each([
    '(call "ccos.json.parse" "{")',
    '(call "ccos.json.parse" 3)',
    '(call "ccos.json.parse")',
    '(call "ccos.json.parse" "1" "2")',
    '(call "ccos.math.add" 1 "2")',
    '(call "ccos.math.add" 9223372036854775807 1)',
    '(call "ccos.json.stringify" 1 2)',
  ])("%s is refused", async (text) => {
    expect(await codeOf(run(text))).toBe("invalid-argument");
  });
});

describe("the system", () => {
  it("gives variables and the time", async () => {
    expect(
      await run('[(get-env "HOME") (get-env "OTHER") (call "ccos.system.current-time") (current-time-millis)]'),
    ).toBe('["/home/me" nil "2026-01-01T00:00:00.000Z" 1767225600000]');
  });

  it("sleeps", async () => {
    let done = false;
    const sleeping = run("(thread/sleep 50)").then(() => (done = true));
    await clock.advance(49);
    expect(done).toBe(false);
    await clock.advance(1);
    await sleeping;
    expect(await codeOf(call("ccos.system.sleep-ms", -1))).toBe("invalid-argument");
    expect(await codeOf(call("ccos.system.sleep-ms", "x"))).toBe("invalid-argument");
  });
});

describe("state", () => {
  it("is kept from one program to the next", async () => {
    expect(
      await run(
        '[(call "ccos.state.kv.get" "n") (call "ccos.state.kv.put" :n 1) (call "ccos.state.kv.put" {:key "m" :value [2]})]',
      ),
    ).toBe("[nil 1 [2]]");
    expect(await run('[(call "ccos.state.kv.get" :n) (call "ccos.state.kv.get" {:key "m"})]')).toBe("[1 [2]]");
    expect(await run('(do (call "ccos.state.kv.put" "n" nil) (call "ccos.state.kv.get" "n"))')).toBe("nil");
  });

  it("is changed by the functions of the prelude", async () => {
    expect(
      await run("[(kv/assoc! :m :a 1) (kv/assoc! :m :b 2) (kv/dissoc! :m :a) (kv/conj! :l 1 2) (kv/conj! :l 3)]"),
    ).toBe("[{:a 1} {:a 1 :b 2} {:b 2} [1 2] [1 2 3]]");
  });

  it("of one caller is not seen by another", async () => {
    await run('(call "ccos.state.kv.put" "n" 1)', "one");
    expect(await run('(call "ccos.state.kv.get" "n")', "two")).toBe("nil");
    expect(await run('(call "ccos.state.kv.get" "n")', "one")).toBe("1");
  });

  it("is bounded", async () => {
    expect(await codeOf(run('(dotimes [i 10001] (call "ccos.state.kv.put" {:key (str i) :value i}))'))).toBe(
      "invalid-argument",
    );
  });
});

describe("files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "native-files-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const inFolder = (text: string) => run(text.replaceAll("DIR", folder));

  it("are written, read and deleted", async () => {
    expect(
      await inFolder(`[(call "ccos.io.write-file" "DIR/a" "x\\ny") (call "ccos.io.read-file" {:path "DIR/a"}) (file-exists? "DIR/a")
                       (call "ccos.io.delete-file" "DIR/a") (file-exists? "DIR/a")]`),
    ).toBe('[nil "x\\ny" true nil false]');
  });

  it("are read line by line through a handle that only its caller can use", async () => {
    await writeFile(join(folder, "lines"), "one\r\ntwo\n\nlast");
    expect(
      await inFolder(`(let [h (call "ccos.io.open-file" "DIR/lines")
                            lines (map (fn [i] (call "ccos.io.read-line" h)) (range 5))]
                        (call "ccos.io.close-file" h) lines)`),
    ).toBe('["one" "two" "" "last" nil]');
    const handle = JSON.parse(await inFolder('(call "ccos.io.open-file" "DIR/lines")')) as string;
    expect(await codeOf(run(`(call "ccos.io.read-line" "${handle}")`, "other"))).toBe("invalid-argument");
    await run(`(call "ccos.io.close-file" "${handle}")`);
    expect(await codeOf(run(`(call "ccos.io.read-line" "${handle}")`))).toBe("invalid-argument");
  });

  it("are written line by line", async () => {
    await inFolder(`(let [h (call "ccos.io.open-file" "DIR/out" "w")]
                      (call "ccos.io.write-line" h "a") (call "ccos.io.write-line" h "b") (call "ccos.io.close-file" h))`);
    expect(await inFolder('(call "ccos.io.read-file" "DIR/out")')).toBe('"a\\nb\\n"');
  });

  it("that are missing are said to be", async () => {
    expect(await codeOf(inFolder('(call "ccos.io.read-file" "DIR/none")'))).toBe("not-found");
    expect(await codeOf(inFolder('(call "ccos.io.read-file" "DIR")'))).toBe("rejected");
    expect(await codeOf(inFolder('(call "ccos.io.open-file" "DIR/none" "q")'))).toBe("invalid-argument");
  });
});
