import { styleText } from "node:util";

export interface Column {
  readonly title: string;
  /** Numbers stand right, words left. Default left. */
  readonly align?: "left" | "right";
}

/** Rows of text under titles, each column as wide as its widest cell. Cells are plain: colour would count as width. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  color: boolean,
): string[] {
  const widths = columns.map((column, index) =>
    rows.reduce((widest, row) => Math.max(widest, (row[index] ?? "").length), column.title.length),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? "";
        const width = widths[index] as number;
        return column.align === "right" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("   ")
      .trimEnd();
  const title = line(columns.map((column) => column.title));
  const rule = widths.map((width) => "─".repeat(width)).join("   ");
  return [color ? styleText("bold", title, { validateStream: false }) : title, rule, ...rows.map(line)];
}
