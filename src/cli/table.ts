import { oneLine } from "../kernel/index.ts";

export interface Column {
  readonly title: string;
  /** Longer texts end in an ellipsis. Default: as long as they are. */
  readonly widest?: number | undefined;
}

/** Lines of a table: columns aligned by spaces, the last one ragged. Cells are made safe for a terminal. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [columns.map((column) => column.title), ...rows].map((row) =>
    row.map((cell, index) => oneLine(cell, columns[index]?.widest ?? 10_000)),
  );
  const widths = columns.map((_column, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
