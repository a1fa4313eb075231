import type { JsonObject } from '../../lib/index.ts';
import type { WriteBound } from './holdings.ts';

/** An API of the gateway, below one base path of a namespace. */
export interface ApiRow {
  readonly namespace: string;
  /** With its leading slash. */
  readonly basePath: string;
  readonly revision: string;
  readonly updatedAt: number;
  readonly document: JsonObject;
}

export interface ApiStore {
  get(namespace: string, basePath: string): Promise<ApiRow | undefined>;
  /** By base path. */
  list(namespace: string): Promise<readonly ApiRow[]>;
  /**
   * Inserts (`expected: null`) or replaces the row of revision `expected`. False when another write won.
   * @throws Fault STORE_NO_NAMESPACE, STORE_QUOTA
   */
  put(row: ApiRow, expected: string | null, bound?: WriteBound): Promise<boolean>;
  delete(namespace: string, basePath: string): Promise<boolean>;
}
