/** Limits on what clients may use of the server itself. */
export interface ApiLimits {
  readonly urlBytes: number;
  readonly headBytes: number;
  /** For routes without a limit of their own. */
  readonly bodyBytes: number;
  /** Bytes of large bodies in memory at the same time. */
  readonly uploadBytes: number;
  /** To send the head of a request; the whole of it; and between two requests. */
  readonly headTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  /**
   * Time without a byte in either direction. A blocking call is silent, so the default is a minute more than the longest
   * blocking call.
   */
  readonly idleTimeoutMs: number;
  readonly connections: number;
  /** Connections without a key. */
  readonly connectionsPerAddress: number;
  /** Event streams at the same time; operators have one such number together. */
  readonly streamsPerNamespace: number;
  /** How often Ward looks for slow clients. */
  readonly sweepMs: number;
}

export const defaultApiLimits: Omit<ApiLimits, 'idleTimeoutMs'> = {
  urlBytes: 8192,
  headBytes: 16_384,
  bodyBytes: 1024 * 1024,
  uploadBytes: 160 * 1024 * 1024,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 65_000,
  connections: 2048,
  connectionsPerAddress: 512,
  streamsPerNamespace: 100,
  sweepMs: 2000,
};
