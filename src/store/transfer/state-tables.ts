/** The tables of the store: what a transfer copies, and what it leaves behind. */
import type { TableCopy } from './copy-table.ts';

/** Triggers keep three of them up to date; their rows are copied over what the triggers have counted. */
export const stateTables: readonly TableCopy[] = [
  'namespaces',
  'keys',
  'entities',
  'earlier_code',
  'feeds',
  'deliveries',
  'apis',
  'domains',
  'violations',
  'accepted',
  'members',
  'join_tokens',
  'join_token_uses',
  'activations',
  'activation_logs',
  'activation_inputs',
  'code_blobs',
  'holdings',
  'activation_counts',
  'unsealed_entries',
  'spent_tokens',
  'usage_days',
  'usage_egress',
  'usage_slots',
  'sent_entries',
  'logouts',
  'namespace_members',
  'acme',
  'forwarding_errors',
].map((name) => ({ name }));

/** Leases and marks of servers that run, what they heard of each other, logins, what an engine keeps for itself, and a view. */
export const leftBehind: readonly string[] = [
  'nodes',
  'cluster_nodes',
  'key_ids',
  'facts',
  'min_reader',
  'writers',
  'changes',
  'leases',
  'code_marks',
  'named_code',
  'sessions',
];
