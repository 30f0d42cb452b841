import { expect, test } from "vitest";

import { expectedFailures, listScenarios, runScenario } from "./run.ts";

const expected = await expectedFailures();
const scenarios = await listScenarios();

test("every expected failure names a scenario that exists, and a reason", () => {
  const names = new Set(scenarios.map(({ name }) => name));
  for (const [name, reason] of Object.entries(expected)) {
    expect(names).toContain(name);
    expect(reason).toMatch(/^[A-Z].{20,}\.$/);
  }
});

test("no scenario outside of authorization is excused", () => {
  const excused = Object.keys(expected).filter((name) => !name.startsWith("auth/"));
  expect(excused).toEqual([]);
});

for (const scenario of scenarios) {
  const reason = expected[scenario.name];
  const where = scenario.version === undefined ? "" : ` at ${scenario.version}`;
  test(
    `${scenario.name}${where} ${reason === undefined ? "passes" : "fails as expected"}`,
    { timeout: 60_000 },
    async () => {
      const { passed, output } = await runScenario(scenario);
      if (reason === undefined) expect(passed, output).toBe(true);
      else expect(passed, `It passes: remove it from expected-failures.json. (${reason})`).toBe(false);
    },
  );
}
