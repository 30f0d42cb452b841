// A program of its own: Apollo Server brings a version of the graphql package that is not ours.
import { requirePeer } from "../peers/peers.ts";

type Resolver = (root: unknown, args: Record<string, never>, context: { readonly user?: string }) => unknown;
interface Apollo {
  ApolloServer: new (options: object) => object;
}
interface Standalone {
  startStandaloneServer(this: void, server: object, options: object): Promise<{ readonly url: string }>;
}
interface Graphql {
  GraphQLError: new (message: string, options: object) => Error;
}

const { ApolloServer } = requirePeer("@apollo/server") as Apollo;
const { startStandaloneServer } = requirePeer("@apollo/server/standalone") as Standalone;
const { GraphQLError } = requirePeer("graphql") as Graphql;

const typeDefs = `#graphql
  enum State { OPEN CLOSED }
  type Query {
    hello(name: String!): String!
    whoami: String
    state(state: State!): State!
    teapot: String
    limited: String
    broken: String
  }
  type Mutation { add(a: Int!, b: Int!): Int! }
`;

const failing =
  (code: string): Resolver =>
  () => {
    throw new GraphQLError(`It is ${code}.`, { extensions: { code } });
  };

const resolvers: Record<string, Record<string, Resolver>> = {
  Query: {
    hello: (_root, { name }) => `hello ${String(name)}`,
    whoami: (_root, _args, { user }) => {
      if (user !== undefined) return user;
      throw new GraphQLError("Who are you?", { extensions: { code: "UNAUTHENTICATED", http: { status: 401 } } });
    },
    state: (_root, { state }) => state,
    teapot: failing("BAD_USER_INPUT"),
    limited: failing("RATE_LIMITED"),
    broken: () => {
      throw new Error("It broke.");
    },
  },
  Mutation: { add: (_root, { a, b }) => Number(a) + Number(b) },
};

const server = new ApolloServer({ typeDefs, resolvers, introspection: process.argv[2] !== "closed" });
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: "127.0.0.1" },
  context: async ({ req }: { req: { headers: { authorization?: string } } }) => ({
    user: /^Bearer (\w+)$/.exec(req.headers.authorization ?? "")?.[1],
  }),
});
process.send?.(url);
process.on("disconnect", () => process.exit());
