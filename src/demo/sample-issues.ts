/** An issue as GitHub's MCP server lists it. */
export interface Issue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: "OPEN" | "CLOSED";
  readonly user: { readonly login: string };
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  readonly comments: number;
  readonly created_at: string;
  readonly updated_at: string;
}

const SUBJECTS = [
  "Session is lost after a restart",
  "Token refresh races with a call",
  "Reader rejects a trailing comma",
  "Pool grows beyond its limit",
  "Cursor skips the last page",
  "Help text names the wrong flag",
  "Timeout is not honoured while waiting",
  "Error hides its cause",
  "List is slow with many labels",
  "Schema refuses an absent optional key",
] as const;
const PLACES = [
  "on Linux",
  "in the gateway",
  "behind a proxy",
  "with two replicas",
  "in the REPL",
  "on a slow network",
];
const PEOPLE = ["ada", "grace", "linus", "margaret", "dennis"] as const;
const LABELS = ["bug", "docs", "performance", "question"] as const;
const FIRST_DAY = Date.UTC(2025, 0, 6, 9, 0, 0);
const DAY_MS = 86_400_000;

/**
 * The issues of an imaginary repository, newest first: the same ones at every start, so that a story told
 * about them can be checked.
 */
export function sampleIssues(count: number): Issue[] {
  const issues: Issue[] = [];
  for (let number = count; number >= 1; number--) {
    const created = FIRST_DAY + number * DAY_MS;
    // Factors without a common divisor, so that label, author, state and comments vary independently.
    const comments = (number * 7) % 13;
    issues.push({
      number,
      title: `${pick(SUBJECTS, number * 3)} ${pick(PLACES, number)}`,
      body: `Seen ${1 + (number % 4)} times. Steps to reproduce are in the first comment.`,
      state: number % 4 === 0 ? "CLOSED" : "OPEN",
      user: { login: pick(PEOPLE, number) },
      labels: number % 11 === 0 ? [pick(LABELS, number), "good first issue"] : [pick(LABELS, Math.floor(number / 2))],
      assignees: number % 3 === 0 ? [pick(PEOPLE, number + 2)] : [],
      comments,
      created_at: new Date(created).toISOString(),
      updated_at: new Date(created + comments * DAY_MS).toISOString(),
    });
  }
  return issues;
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}
