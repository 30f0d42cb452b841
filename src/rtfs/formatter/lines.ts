interface Line {
  code: string;
  comment: string | undefined;
}

/** Text being written: lines, and the comments at their ends. */
export class Lines {
  readonly #done: Line[] = [];
  #parts: string[] = [];
  #comment: string | undefined;
  #column = 0;

  /** Where the next character comes to stand, from 0. */
  get column(): number {
    return this.#column;
  }

  /** Grows with every line. */
  get count(): number {
    return this.#done.length;
  }

  /** Text as it is; what it holds of line ends (in a string) begins lines that are not indented. */
  write(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      this.#parts.push(text.slice(from, end));
      this.#end();
      from = end + 1;
    }
    const rest = text.slice(from);
    this.#parts.push(rest);
    this.#column += rest.length;
  }

  newline(indent: number, blank = false): void {
    this.#end();
    if (blank) this.#end();
    if (indent > 0) this.write(" ".repeat(indent));
  }

  /** A comment at the end of this line; nothing but a new line may follow. */
  comment(text: string): void {
    this.#comment = text;
  }

  #end(): void {
    this.#done.push({ code: this.#parts.join(""), comment: this.#comment });
    this.#parts = [];
    this.#comment = undefined;
    this.#column = 0;
  }

  /** All lines. Comments at the ends of lines that follow one another stand in a column. */
  toString(): string {
    this.#end();
    const lines = this.#done;
    const out: string[] = [];
    for (let at = 0; at < lines.length;) {
      let end = at;
      let column = 0;
      while (lines[end]?.comment !== undefined) column = Math.max(column, (lines[end++] as Line).code.length);
      if (end === at) out.push((lines[at++] as Line).code);
      for (; at < end; at++) {
        const { code, comment } = lines[at] as Line;
        out.push(`${code.padEnd(column)} ${comment as string}`);
      }
    }
    return out.join("\n");
  }
}
