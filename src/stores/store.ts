/**
 * Where that lives which outlives a session. A store carries bytes and decides nothing: what is valid, and
 * for how long, is the core's to say. It imports no implementation.
 */
export interface Store {
  /** Names it for people, without credentials. */
  readonly name: string;
  /**
   * 32 secret bytes that key the fingerprints of identities. All who share the store get the same, so that
   * one identity has one fingerprint wherever it is met.
   */
  fingerprintKey(): Promise<Uint8Array>;
  /** Frees what it holds. Nothing else may be called after. */
  close(): Promise<void>;
}
