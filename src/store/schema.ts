/**
 * The tables, as the queries see them. Documents are JSON text; times are epoch milliseconds. The tables
 * themselves are made by `migrations/`.
 */

export interface NamespaceTable {
  name: string;
  key_id: string;
  key_hash: string;
  limits: string;
  created_at: number;
}

export interface EntityTable {
  namespace: string;
  path: string;
  /** The package's name in `path`, or empty. */
  package: string;
  collection: string;
  revision: string;
  updated_at: number;
  code_digest: string | null;
  document: string;
}

export interface ActivationTable {
  activation_id: string;
  namespace: string;
  name: string;
  path: string;
  start: number;
  end: number | null;
  status_code: number;
  /** The document without its `response`, which can be large and which lists leave out. */
  document: string;
  response: string | null;
}

/** Only of activations that have log lines. */
export interface ActivationLogTable {
  activation_id: string;
  lines: string;
}

export interface AcceptedTable {
  activation_id: string;
  namespace: string;
  accepted_at: number;
  attempt: number;
  job: string;
}

export interface Schema {
  namespaces: NamespaceTable;
  entities: EntityTable;
  activations: ActivationTable;
  activation_logs: ActivationLogTable;
  accepted: AcceptedTable;
}
