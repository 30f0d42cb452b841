/**
 * Whether a name fits a pattern in which `*` stands for any run of characters and `?` for one.
 * Takes time in the product of both lengths at worst, whatever the pattern.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  let at = 0;
  let wanted = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    if (pattern[wanted] === "*") {
      star = wanted++;
      resume = at;
    } else if (wanted < pattern.length && (pattern[wanted] === "?" || pattern[wanted] === name[at])) {
      wanted++;
      at++;
    } else if (star >= 0) {
      // What the last star took was too little: give it one character more.
      wanted = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[wanted] === "*") wanted++;
  return wanted === pattern.length;
}
