import { expect, it } from "vitest";
import { renderTable } from "./table.ts";

it("makes each column as wide as its widest cell, and sets numbers right", () => {
  const lines = renderTable(
    [{ title: "name" }, { title: "calls", align: "right" }],
    [
      ["a", "7"],
      ["longer", "1234567"],
    ],
    false,
  );
  expect(lines).toEqual(["name       calls", "──────   ───────", "a              7", "longer   1234567"]);
});

it("keeps colour out of the measure", () => {
  const [title] = renderTable([{ title: "id" }], [["x"]], true);
  expect(title).toBe("\u001b[1mid\u001b[22m");
});

it("fills missing cells with space", () => {
  expect(renderTable([{ title: "a" }, { title: "b" }], [["x"]], false).at(-1)).toBe("x");
});
