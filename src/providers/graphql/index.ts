export { createGraphqlHandler, GraphQLSessionHandler } from "./handler.ts";
