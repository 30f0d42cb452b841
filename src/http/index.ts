/**
 * What providers that speak HTTP share. It knows no provider, and importing it loads no library: what is heavy comes
 * with the first session.
 */
export { Authorizer, endOf, type Authorization, type AuthorizerOptions, type Tokens } from "./authorizer.ts";
export { ACCEPT_ENCODING, BrokenBody, isJsonType, mediaTypeOf, readBytes, readText } from "./body.ts";
export { openCookies, type CookieSession } from "./cookie-session.ts";
export { chooseCredential, type Credential, type CredentialQuestion, type CredentialRules } from "./credential.ts";
export { createDispatcher } from "./dispatcher.ts";
export { readEvents, type EventStreamOptions } from "./event-stream.ts";
export {
  contentFailure,
  credentialRemedy,
  exchangeFailure,
  isNoHttp,
  MAY_HAVE_RUN,
  MOST_EXCERPT,
  networkFailure,
  placeOf,
  rootOf,
  statusFailure,
  wordsOf,
  type AnswerHead,
  type HttpFailureContext,
} from "./failure.ts";
export { fetchThrough, type FetchThroughOptions } from "./fetch-through.ts";
export { MOST_REDIRECTS, RedirectRefused, sendAndFollow, type Followed, type FollowRules } from "./follow.ts";
export { isHeaderName, isHeaderValue, readHeaders, type HeaderRules } from "./headers.ts";
export { HttpResponse, TooLarge, withoutMark } from "./http-response.ts";
export { partArguments, partHeaders, partQuery, requireEncryption, type Parted } from "./literal-secrets.ts";
export { readOAuthPlan, type ClientAuthentication, type Grant, type OAuthPlan } from "./oauth-plan.ts";
export { readHttpPlace, withQuery, type HttpPlace, type HttpPlaceRules } from "./place.ts";
export { parseRetryAfter, waitAskedFor } from "./retry-after.ts";
export { addressOf, send, type Exchange, type HttpAddress, type HttpMethod, type HttpRequest } from "./send.ts";
export { SignInStore, type SignInRecord } from "./sign-in-store.ts";
export {
  authReaders,
  DEFAULT_MAX_RESPONSE_BYTES,
  readMaxResponseBytes,
  settingReader,
  wordOf,
  type SettingReader,
} from "./settings.ts";
