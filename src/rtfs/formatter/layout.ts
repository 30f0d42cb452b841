import { Lines } from "./lines.ts";
import { shapeOf, type Role, type Shape } from "./shape.ts";
import type { Comment, Piece, Tree } from "./tree.ts";

const WIDTH = 100;
/** Deeper lines begin here: the nesting of a text must not make it grow without bounds. */
const DEEPEST_INDENT = 70;
/** Values stand in a column only behind keys up to this long. */
const LONGEST_KEY = 32;

/** What is known of a piece before it is placed. */
interface Measure {
  readonly shape: Shape | undefined;
  /** Its length on one line. */
  readonly width: number;
  /** It takes several lines whatever there is room for: the source breaks it, or it holds a comment. */
  readonly broken: boolean;
}

/** Lays a text out. */
export function layOut(tree: Tree): string {
  const measures = new Map<Piece, Measure>();
  measureAll(tree, measures);
  const layout = new Layout(measures);
  layout.placeTop(tree);
  return layout.text();
}

/** Measures every group after what it holds. */
function measureAll(tree: Tree, measures: Map<Piece, Measure>): void {
  const todo: { readonly piece: Piece; readonly parent: Piece | undefined; readonly index: number; next: number }[] =
    [];
  for (const child of tree.children) {
    todo.push({ piece: child, parent: undefined, index: 0, next: 0 });
    for (let top = todo.at(-1); top !== undefined; top = todo.at(-1)) {
      const { piece } = top;
      if (top.next < piece.children.length) {
        const index = top.next++;
        todo.push({ piece: piece.children[index] as Piece, parent: piece, index, next: 0 });
        continue;
      }
      measures.set(piece, measure(piece, top.parent, top.index, measures));
      todo.pop();
    }
  }
}

function measure(
  piece: Piece,
  parent: Piece | undefined,
  index: number,
  measures: ReadonlyMap<Piece, Measure>,
): Measure {
  if (piece.close === undefined)
    return { shape: undefined, width: piece.text.length, broken: piece.text.includes("\n") };
  const shape = shapeOf(piece, parent, index);
  let width = piece.text.length + piece.close.length;
  let broken = piece.dangling.length > 0;
  piece.children.forEach((child, at) => {
    const inner = measures.get(child) as Measure;
    width += inner.width + (at === 0 || child.glued ? 0 : 1);
    const parted = at > 0 && child.newlines > 0 && shape.roles[at] !== "join";
    broken ||= inner.broken || child.comments.length > 0 || parted;
  });
  return { shape, width, broken };
}

/** What decides whether a piece that flows begins a line. */
interface Around {
  readonly all: boolean;
  readonly refill: boolean;
  /** The piece before took several lines. */
  readonly tall: boolean;
  readonly trail: number;
}

class Layout {
  readonly #measures: ReadonlyMap<Piece, Measure>;
  readonly #out = new Lines();

  constructor(measures: ReadonlyMap<Piece, Measure>) {
    this.#measures = measures;
  }

  text(): string {
    return this.#out.toString();
  }

  placeTop({ children, dangling }: Tree): void {
    let before: Piece | undefined;
    for (const child of children) {
      const isFirst = before === undefined;
      const forced = this.#placeComments(child.comments, 0, isFirst);
      // Two lists on a line are two definitions; anything else there belongs together.
      const { width, broken } = this.#measures.get(child) as Measure;
      const apart =
        (before?.text === "(" && child.text === "(") ||
        (!broken && !child.glued && this.#out.column + 1 + width > WIDTH);
      if (!isFirst || child.comments.length > 0) {
        if (forced || child.newlines > 0 || apart) this.#out.newline(0, child.newlines > 1);
        else if (!child.glued) this.#out.write(" ");
      }
      this.#place(child, 0);
      before = child;
    }
    this.#placeComments(dangling, 0, before === undefined);
  }

  /** Comments before a piece, or after the last; true: the line is over. */
  #placeComments(comments: readonly Comment[], indent: number, first: boolean, apart = false): boolean {
    const out = this.#out;
    let over = false;
    comments.forEach(({ text, block, newlines }, at) => {
      if (first && at === 0) out.write(text);
      else if (over || newlines > 0 || (apart && at === 0)) {
        out.newline(indent, newlines > 1);
        out.write(text);
      } else if (block) out.write(` ${text}`);
      else out.comment(text);
      over = !block;
    });
    return over;
  }

  /** `trail` is the length of what must follow on the same line. */
  #place(piece: Piece, trail: number): void {
    const out = this.#out;
    const { shape, width, broken } = this.#measures.get(piece) as Measure;
    if (shape === undefined) out.write(piece.text);
    else if (!broken && out.column + width + trail <= WIDTH) out.write(flat(piece));
    else this.#placeGroup(piece, shape, broken, trail);
  }

  #placeGroup(group: Piece, shape: Shape, broken: boolean, trail: number): void {
    const out = this.#out;
    const { children } = group;
    const start = out.column;
    const items = clamp(group.close === "" ? start : start + group.text.length);
    let indent = shape.indent === "items" || group.text === "[" ? items : clamp(start + 2);
    const column = this.#valueColumn(children, shape.roles, indent);
    // Where the source breaks nothing, what flows is broken everywhere; else only where it must be.
    const all = !broken && !shape.fill;
    const refill = shape.fill && this.#overflows(children, shape.roles, start + group.text.length, trail + 1);
    let tall = false;
    out.write(group.text);
    children.forEach((child, at) => {
      const role = shape.roles[at] as Role;
      const isFirst = at === 0;
      const own = role === "value" ? clamp(indent + 2) : indent;
      const apart =
        role === "line" &&
        child.newlines === 0 &&
        child.comments.every(({ block, newlines }) => block && newlines === 0);
      const over = this.#placeComments(child.comments, own, isFirst, apart);
      const after = this.#trail(children, at, group, trail);
      const newline =
        child.comments.length > 0
          ? over || child.newlines > 0
          : !isFirst && !child.glued && this.#breaks(child, role, own, { all, refill, tall, trail: after });
      if (newline) out.newline(own, child.newlines > 1);
      else if (role === "value" && column !== undefined && !child.glued)
        out.write(" ".repeat(Math.max(1, column - out.column)));
      else if (!child.glued && (!isFirst || child.comments.length > 0)) out.write(" ");
      if (at === 1 && shape.indent === "arguments" && !newline) indent = clamp(out.column);
      const line = out.count;
      this.#place(child, after);
      tall = out.count > line;
    });
    if (this.#placeComments(group.dangling, children.length === 0 ? items : indent, children.length === 0))
      out.newline(indent);
    out.write(group.close as string);
  }

  #breaks(child: Piece, role: Role, indent: number, around: Around): boolean {
    switch (role) {
      case "join":
        return false;
      case "line":
        return true;
      case "keep":
      case "value":
        return child.newlines > 0;
      case "flow": {
        if ((child.newlines > 0 && !around.refill) || around.all || around.tall) return true;
        const { width, broken } = this.#measures.get(child) as Measure;
        const { column } = this.#out;
        return !broken && column + 1 + width + around.trail > WIDTH && column >= indent;
      }
    }
  }

  /** Whether a row of atoms, broken as the source has it, runs over the width: then it is broken anew. */
  #overflows(children: readonly Piece[], roles: readonly Role[], start: number, trail: number): boolean {
    if (children.some(({ comments, text }) => comments.length > 0 || text.includes("\n"))) return false;
    let indent = start;
    let column = start;
    return children.some((child, at) => {
      if (at > 0 && child.newlines > 0 && roles[at] !== "join") column = clamp(indent);
      else if (at > 0 && !child.glued) column++;
      if (at === 1 && roles[1] === "keep") indent = column;
      column += child.text.length;
      return column + (at === children.length - 1 ? trail : 0) > WIDTH;
    });
  }

  /** What follows a child without a possible break. */
  #trail(children: readonly Piece[], at: number, group: Piece, trail: number): number {
    let length = 0;
    let next = at + 1;
    for (; children[next]?.glued === true; next++)
      length += (this.#measures.get(children[next] as Piece) as Measure).width;
    const last = next === children.length && group.dangling.length === 0;
    return last ? length + (group.close as string).length + trail : length;
  }

  /** The column of the values, where the source has them (nearly) in one. */
  #valueColumn(children: readonly Piece[], roles: readonly Role[], indent: number): number | undefined {
    let wanted = false;
    let longest = 0;
    let key = 0;
    for (let at = 0; at < children.length; at++) {
      const child = children[at] as Piece;
      const { width, broken } = this.#measures.get(child) as Measure;
      if (roles[at] === "value") {
        if (child.comments.length > 0) return undefined;
        if (child.newlines > 0) continue;
        wanted ||= child.spaced;
        longest = Math.max(longest, key);
        continue;
      }
      key = (at === 0 || roles[at] === "line" ? 0 : key + (child.glued ? 0 : 1)) + width;
      if (broken || (key > LONGEST_KEY && isFollowedByValue(roles, at))) return undefined;
    }
    return wanted ? indent + longest + 1 : undefined;
  }
}

function isFollowedByValue(roles: readonly Role[], at: number): boolean {
  return roles[at + 1] === "value";
}

function clamp(column: number): number {
  return Math.min(column, DEEPEST_INDENT);
}

/** A group on one line. */
function flat(piece: Piece): string {
  const parts: string[] = [];
  const todo: (Piece | string)[] = [piece];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === "string") parts.push(next);
    else if (next.close === undefined) parts.push(next.text);
    else {
      parts.push(next.text);
      todo.push(next.close);
      for (let at = next.children.length - 1; at >= 0; at--) {
        const child = next.children[at] as Piece;
        todo.push(child);
        if (at > 0 && !child.glued) todo.push(" ");
      }
    }
  }
  return parts.join("");
}
