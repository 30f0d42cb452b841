import { randomUUID } from "node:crypto";
import { createGraphQLError, createSchema, createYoga } from "graphql-yoga";
import { startLoopbackServer } from "./loopback-server.ts";
import { SessionLedger, type DemoService } from "./service.ts";

const TYPE_DEFS = /* GraphQL */ `
  type Query {
    "One of the people who write issues; null for a login that nobody has."
    person(login: String!): Person
    people(team: Team): [Person!]!
  }
  type Mutation {
    "Begins a session: its token goes with every other request."
    login(name: String!): Login!
    logout: Boolean!
  }
  enum Team {
    LANGUAGE
    RUNTIME
  }
  type Person {
    login: ID!
    name: String!
    team: Team!
    timezone: String!
  }
  type Login {
    token: String!
  }
`;

const PEOPLE = [
  { login: "ada", name: "Ada L.", team: "LANGUAGE", timezone: "Europe/London" },
  { login: "grace", name: "Grace H.", team: "LANGUAGE", timezone: "America/New_York" },
  { login: "linus", name: "Linus T.", team: "RUNTIME", timezone: "Europe/Helsinki" },
  { login: "margaret", name: "Margaret H.", team: "RUNTIME", timezone: "America/Chicago" },
  { login: "dennis", name: "Dennis R.", team: "RUNTIME", timezone: "America/New_York" },
];

/**
 * A GraphQL service about the people who write the issues. A mutation logs in and gives a token; a request without a
 * token that is known is answered with the code `UNAUTHENTICATED`.
 *
 * @param port default 0: any free one
 */
export async function startGraphqlService({ port = 0 }: { readonly port?: number } = {}): Promise<DemoService> {
  const ledger = new SessionLedger<string>();
  const enter = (token: string): void => {
    if (!ledger.knows(token))
      throw createGraphQLError("Log in first.", { extensions: { code: "UNAUTHENTICATED", http: { status: 200 } } });
    ledger.count(token);
  };
  type Context = { readonly token: string };
  const schema = createSchema<Context>({
    typeDefs: TYPE_DEFS,
    resolvers: {
      Query: {
        person: (_root: unknown, { login }: { login: string }, { token }: Context) => {
          enter(token);
          return PEOPLE.find((person) => person.login === login) ?? null;
        },
        people: (_root: unknown, { team }: { team?: string }, { token }: Context) => {
          enter(token);
          return PEOPLE.filter((person) => team === undefined || person.team === team);
        },
      },
      Mutation: {
        login() {
          const token = randomUUID();
          ledger.open(token);
          return { token };
        },
        logout(_root: unknown, _args: unknown, { token }: Context) {
          ledger.close(token);
          return true;
        },
      },
    },
  });
  const yoga = createYoga<object, Context>({
    schema,
    context: ({ request }) => ({
      token: /^bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "",
    }),
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  const server = await startLoopbackServer((request, response) => void yoga(request, response), port);
  return {
    provider: "graphql",
    about: "a GraphQL service (graphql-yoga) with the people who write them",
    url: `http://127.0.0.1:${server.port}/graphql`,
    variable: "CCOS_DEMO_GRAPHQL_URL",
    seen: () => ledger.seen(),
    loseSessions: () => ledger.forgetAll(),
    async close() {
      await server.close();
      await yoga.dispose();
    },
  };
}
