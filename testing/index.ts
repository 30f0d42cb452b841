/** For tests of programs and handlers: time, chance and peers that a test steers. */
export { createSeededRandom, type Random } from "../src/kernel/index.ts";
export { createFakeClock, type FakeClock, type FakeClockOptions } from "./fake-clock.ts";
export {
  createScriptedHandler,
  type ScriptedCall,
  type ScriptedDials,
  type ScriptedHandler,
} from "./scripted-handler.ts";
