import { expect, test } from "vitest";
import { createRedactor } from "../../kernel/index.ts";
import { outputCapabilities, outputTo } from "./output.ts";

function written(isTTY: boolean, id: string, args: readonly (string | number)[]): string {
  let text = "";
  const redactor = createRedactor();
  redactor.add("own-secret-1");
  const sinks = outputTo(
    () => ({ isTTY, write: (more: string) => (text += more) }),
    (given) => redactor.redactKnown(given),
  );
  const [found] = outputCapabilities(sinks).filter((manifest) => manifest.id === id);
  if (found?.execution.kind !== "native") throw new Error(`There is no ${id}.`);
  void found.execution.run(args, {} as never);
  return text;
}

test.each([
  ["ccos.io.print", "a 1"],
  ["ccos.io.println", "a 1\n"],
  ["ccos.io.log", "a 1\n"],
])("%s writes its values once, with one line end or none", (id, text) => {
  expect(written(false, id, ["a", 1])).toBe(text);
});

test("a terminal gets no control characters, a file gets them as they are, and neither gets a secret", () => {
  const text = "\u001b]0;title\u0007red \u001b[31m\u202e own-secret-1";
  expect(written(true, "ccos.io.println", [text])).toBe("red  [redacted]\n");
  expect(written(false, "ccos.io.println", [text])).toBe(`${text.replace("own-secret-1", "[redacted]")}\n`);
});
