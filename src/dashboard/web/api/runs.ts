/** Runs, which OpenWhisk's API calls activations. */
import type { FoundLines } from '../../../answers/index.ts';
import { call, inNamespace } from './client.ts';

export interface RunSummary {
  readonly activationId: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly start: number;
  /** Absent while it has not ended, and of the firing of a trigger. */
  readonly end?: number;
  readonly duration?: number;
  /** 0: success. */
  readonly statusCode?: number;
  readonly cause?: string;
  readonly annotations?: readonly Annotation[];
}

export interface Annotation {
  readonly key: string;
  readonly value: unknown;
}

export interface RunRecord extends RunSummary {
  readonly version?: string;
  readonly response?: { readonly status?: string; readonly result?: unknown; readonly size?: number };
  readonly logs?: readonly unknown[];
}

/** Lists have only runs that have ended. */
export function hasEnded({ response }: Pick<RunRecord, 'response'>): boolean {
  return response?.status !== 'pending';
}

/** Whether it is of a trigger: OpenWhisk gives a firing neither an end nor a duration. */
export function isFiring(run: Pick<RunRecord, 'response' | 'end'>): boolean {
  return hasEnded(run) && run.end === undefined;
}

export interface RunFilter {
  /** `name` or `package/name`. */
  readonly name: string;
  readonly failed: boolean;
  /** Only calls: without firings of triggers. */
  readonly calls?: boolean;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
  /** Epoch milliseconds. */
  readonly upto?: number | undefined;
  /** `cold`, `prewarmed` or `warm`; '' fits all. */
  readonly start?: string;
  /** Of the error, as in `ErrorGroup`; '' fits all. */
  readonly fingerprint?: string;
  /** They took at least this many milliseconds; '' fits all. */
  readonly took?: string;
}

/** The API's own limit for a page. */
export const longestPage = 200;

export async function countRuns(filter: RunFilter, signal?: AbortSignal): Promise<number> {
  const query = queryOf(filter);
  query.set('count', 'true');
  const { activations } = await call<{ activations: number }>('GET', `${listPath()}?${query}`, {
    ...(signal && { signal }),
  });
  return activations;
}

export function listRuns(
  filter: RunFilter,
  page: { readonly skip: number; readonly limit: number },
  signal?: AbortSignal,
): Promise<readonly RunSummary[]> {
  const query = queryOf(filter);
  query.set('skip', String(page.skip));
  query.set('limit', String(page.limit));
  return call('GET', `${listPath()}?${query}`, { ...(signal && { signal }) });
}

/** Also of a run that has not ended. */
export function getRun(id: string, signal: AbortSignal): Promise<RunRecord> {
  return call('GET', `${inNamespace('/api/v1', 'activations', id)}?pending=true`, { signal });
}

export function groupsPath(filter: Omit<RunFilter, 'failed'>): string {
  return `${inNamespace('/ward/v1', 'activations', 'errors')}?${queryOf({ ...filter, failed: false })}`;
}

interface LogQuery extends Omit<RunFilter, 'failed'> {
  readonly text: string;
}

export function searchLogs({ text, ...filter }: LogQuery, signal: AbortSignal): Promise<FoundLines> {
  const query = queryOf({ ...filter, failed: false });
  query.set('text', text);
  query.set('limit', String(longestPage));
  return call('GET', `${inNamespace('/ward/v1', 'logs')}?${query}`, { signal });
}

/** The input of a run, if Ward kept it. */
export function inputPath(id: string): string {
  return inNamespace('/ward/v1', 'activations', id, 'input');
}

export const recordsStream = inNamespace('/ward/v1', 'activations', 'stream');

export function runStream(id: string): string {
  return inNamespace('/api/v1', 'activations', id, 'stream');
}

export function annotationOf(run: RunSummary, key: string): unknown {
  return run.annotations?.find((each) => each.key === key)?.value;
}

/** `package/name` or `name`, from the full path in its record. */
export function functionOf(run: RunSummary): string {
  const path = annotationOf(run, 'path');
  return typeof path === 'string' && path.includes('/') ? path.slice(path.indexOf('/') + 1) : run.name;
}

/** Of the function, which can be another one than that of the run. */
export function namespaceOf(run: RunSummary): string | undefined {
  const path = annotationOf(run, 'path');
  return typeof path === 'string' && path.includes('/') ? path.split('/')[0] : undefined;
}

function listPath(): string {
  return inNamespace('/api/v1', 'activations');
}

function queryOf({ name, failed, calls, since, upto, ...more }: RunFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const key of ['start', 'fingerprint', 'took'] as const) if (more[key]) query.set(key, more[key]);
  if (name !== '') query.set('name', name);
  if (failed) query.set('failed', 'true');
  if (calls === true) query.set('calls', 'true');
  if (since !== undefined) query.set('since', String(since));
  if (upto !== undefined) query.set('upto', String(upto));
  return query;
}
