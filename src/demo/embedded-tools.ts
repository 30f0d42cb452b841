import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import type { Issue } from "./sample-issues.ts";

/** What the tools of one embedded server share: its issues, newest first, for every session. */
export interface Repository {
  readonly issues: Issue[];
}

/** What belongs to one session alone. */
export interface SessionState {
  readonly login: string;
  count: number;
}

type Arguments = Readonly<Record<string, unknown>>;

interface EmbeddedTool {
  readonly definition: Tool;
  /** The arguments have been checked against the definition's schema. */
  run(args: Arguments, session: SessionState, repository: Repository): CallToolResult;
}

const REPOSITORY_PROPERTIES = {
  owner: { type: "string", description: "Repository owner" },
  repo: { type: "string", description: "Repository name" },
} as const;
const TEXTS = { type: "array", items: { type: "string" } } as const;
const LIST_FIELDS = [
  "number",
  "title",
  "body",
  "state",
  "user",
  "labels",
  "assignees",
  "comments",
  "created_at",
  "updated_at",
] as const;

/** The tools of the embedded server. Names, arguments and answers are shaped like those of GitHub's server. */
export const EMBEDDED_TOOLS: readonly EmbeddedTool[] = [
  {
    definition: {
      name: "get_me",
      title: "Get my user profile",
      description: "The user on whose behalf this session calls.",
      inputSchema: { type: "object", properties: {} },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    run: (_args, session) =>
      json({ login: session.login, id: 77193, profile_url: `https://github.com/${session.login}` }),
  },
  {
    definition: {
      name: "list_issues",
      title: "List issues",
      description: "Issues of a repository, page by page: pass pageInfo.endCursor of one page as `after` of the next.",
      inputSchema: {
        type: "object",
        properties: {
          ...REPOSITORY_PROPERTIES,
          state: { type: "string", enum: ["OPEN", "CLOSED"], description: "Both when absent" },
          labels: { ...TEXTS, description: "Issues that carry all of these" },
          orderBy: { type: "string", enum: ["CREATED_AT", "UPDATED_AT", "COMMENTS"], description: "With `direction`" },
          direction: { type: "string", enum: ["ASC", "DESC"], description: "With `orderBy`" },
          since: { type: "string", description: "Updated at or after this ISO 8601 timestamp" },
          fields: { type: "array", items: { type: "string", enum: [...LIST_FIELDS] }, description: "All when absent" },
          perPage: { type: "number", minimum: 1, maximum: 100, description: "Default 30" },
          after: { type: "string", description: "Cursor of the previous page" },
        },
        required: ["owner", "repo"],
      },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    run: (args, _session, repository) => listIssues(args, repository),
  },
  {
    definition: {
      name: "create_issue",
      title: "Create an issue",
      description: "Opens an issue.",
      inputSchema: {
        type: "object",
        properties: {
          ...REPOSITORY_PROPERTIES,
          title: { type: "string", description: "Issue title" },
          body: { type: "string", description: "Issue body" },
          labels: TEXTS,
          assignees: TEXTS,
        },
        required: ["owner", "repo", "title"],
      },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    run: (args, session, repository) => createIssue(args, session, repository),
  },
  {
    definition: {
      name: "issue_write",
      title: "Create or update an issue",
      description: "Opens an issue, or changes one.",
      inputSchema: {
        type: "object",
        properties: {
          method: { type: "string", enum: ["create", "update"], description: "What to do" },
          ...REPOSITORY_PROPERTIES,
          issue_number: { type: "number", description: "The issue to update" },
          title: { type: "string", description: "Issue title" },
          body: { type: "string", description: "Issue body" },
          labels: TEXTS,
          assignees: TEXTS,
          state: { type: "string", enum: ["open", "closed"], description: "New state" },
        },
        required: ["method", "owner", "repo"],
      },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    run: (args, session, repository) =>
      args["method"] === "create" ? createIssue(args, session, repository) : updateIssue(args, repository),
  },
  {
    definition: {
      name: "count",
      title: "Count",
      description: "Adds one to a counter of this session and gives its value: a new session starts at 1.",
      inputSchema: { type: "object", properties: {} },
      outputSchema: { type: "object", properties: { count: { type: "integer" } }, required: ["count"] },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    run: (_args, session) => {
      const structuredContent = { count: ++session.count };
      return { ...json(structuredContent), structuredContent };
    },
  },
];

function listIssues(args: Arguments, repository: Repository): CallToolResult {
  const labels = (args["labels"] as readonly string[] | undefined) ?? [];
  const matching = repository.issues.filter(
    (issue) =>
      (args["state"] === undefined || issue.state === args["state"]) &&
      labels.every((label) => issue.labels.includes(label)) &&
      (args["since"] === undefined || issue.updated_at >= (args["since"] as string)),
  );
  if (args["orderBy"] !== undefined) sortIssues(matching, args["orderBy"] as string, args["direction"] === "ASC");
  const start = args["after"] === undefined ? 0 : offsetOf(args["after"] as string);
  if (start === undefined) return failure("The cursor is not one of this server.");
  const page = matching.slice(start, start + ((args["perPage"] as number | undefined) ?? 30));
  const end = start + page.length;
  const fields = args["fields"] as readonly (keyof Issue)[] | undefined;
  return json({
    issues: fields === undefined ? page : page.map((issue) => Object.fromEntries(fields.map((f) => [f, issue[f]]))),
    totalCount: matching.length,
    pageInfo: {
      hasNextPage: end < matching.length,
      hasPreviousPage: start > 0,
      startCursor: cursorAt(start),
      endCursor: cursorAt(end),
    },
  });
}

function sortIssues(issues: Issue[], orderBy: string, ascending: boolean): void {
  const key = (issue: Issue): number =>
    orderBy === "COMMENTS"
      ? issue.comments
      : Date.parse(orderBy === "UPDATED_AT" ? issue.updated_at : issue.created_at);
  issues.sort((a, b) => (ascending ? key(a) - key(b) : key(b) - key(a)));
}

function createIssue(args: Arguments, session: SessionState, repository: Repository): CallToolResult {
  if (typeof args["title"] !== "string") return failure("missing required parameter: title");
  const now = new Date().toISOString();
  const issue: Issue = {
    number: 1 + repository.issues.reduce((highest, known) => Math.max(highest, known.number), 0),
    title: args["title"],
    body: (args["body"] as string | undefined) ?? "",
    state: "OPEN",
    user: { login: session.login },
    labels: (args["labels"] as string[] | undefined) ?? [],
    assignees: (args["assignees"] as string[] | undefined) ?? [],
    comments: 0,
    created_at: now,
    updated_at: now,
  };
  repository.issues.unshift(issue);
  return json(receipt(args, issue));
}

function updateIssue(args: Arguments, repository: Repository): CallToolResult {
  const index = repository.issues.findIndex((issue) => issue.number === args["issue_number"]);
  const known = repository.issues[index];
  if (known === undefined) return failure(`No issue has the number ${String(args["issue_number"])}.`);
  const changed: Issue = {
    ...known,
    title: (args["title"] as string | undefined) ?? known.title,
    body: (args["body"] as string | undefined) ?? known.body,
    labels: (args["labels"] as string[] | undefined) ?? known.labels,
    assignees: (args["assignees"] as string[] | undefined) ?? known.assignees,
    state: args["state"] === undefined ? known.state : args["state"] === "closed" ? "CLOSED" : "OPEN",
    updated_at: new Date().toISOString(),
  };
  repository.issues[index] = changed;
  return json(receipt(args, changed));
}

function receipt(args: Arguments, issue: Issue): object {
  return {
    id: String(1_000_000 + issue.number),
    number: issue.number,
    title: issue.title,
    url: `https://github.com/${String(args["owner"])}/${String(args["repo"])}/issues/${issue.number}`,
  };
}

const cursorAt = (offset: number): string => Buffer.from(`offset:${offset}`).toString("base64url");

function offsetOf(cursor: string): number | undefined {
  const match = /^offset:(\d{1,9})$/.exec(Buffer.from(cursor, "base64url").toString());
  return match === null ? undefined : Number(match[1]);
}

/** As GitHub's server answers: JSON as the text of a single block. */
function json(value: object): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(value) }] };
}

export function failure(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}
