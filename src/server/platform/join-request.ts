/** How a node joins a cluster: `--join` and `--token`, or `WARD_JOIN` and `WARD_JOIN_TOKEN`. */
export interface JoinRequest {
  /** Addresses of API nodes, at least one. */
  readonly urls: readonly string[];
  /** Needed only while the node has no valid certificate. */
  readonly token: string | undefined;
}
