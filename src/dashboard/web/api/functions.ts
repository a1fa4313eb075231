/** Functions, which OpenWhisk's API calls actions. */
import type { FunctionFigures } from '../../../answers/index.ts';
import { ApiError, type CallOptions, call, inNamespace, send } from './client.ts';
import type { Annotation } from './runs.ts';

export interface FunctionSummary {
  /** `namespace` or `namespace/package`. */
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly updated: number;
  readonly annotations: readonly Annotation[];
  readonly limits: FunctionLimits;
}

export interface FunctionLimits {
  readonly timeout: number;
  /** MiB. */
  readonly memory: number;
  readonly concurrency?: number;
  readonly instances?: number;
  readonly cpus?: number;
  /** MiB. */
  readonly disk?: number;
}

export interface FunctionRecord extends FunctionSummary {
  /** Of its revision. */
  readonly tag: string;
  readonly exec: FunctionExec;
}

export interface FunctionExec {
  readonly kind: string;
  readonly code?: string;
  readonly binary?: boolean;
  readonly main?: string;
  readonly image?: string;
  readonly components?: readonly string[];
}

/** `GET /ward/v1/namespaces/_/earlier/{name}`: what the last change of the code replaced. */
export interface EarlierCode {
  readonly version: string;
  /** Epoch milliseconds. */
  readonly replaced: number;
  readonly exec: FunctionExec;
}

/** @param search only those with this text in their path; '': all */
export async function countFunctions(search: string, signal: AbortSignal): Promise<number> {
  const { actions } = await call<{ actions: number }>('GET', listPath(search, 'count=true'), { signal });
  return actions;
}

/** The last changed first. */
export function listFunctions(
  search: string,
  { skip, limit }: { readonly skip: number; readonly limit: number },
  signal?: AbortSignal,
): Promise<readonly FunctionSummary[]> {
  return call('GET', listPath(search, `skip=${skip}&limit=${limit}`), { ...(signal && { signal }) });
}

/** How the functions of the same page of the list do. */
export function listFigures(
  search: string,
  { skip, limit }: { readonly skip: number; readonly limit: number },
  signal: AbortSignal,
): Promise<readonly FunctionFigures[]> {
  const query = `skip=${skip}&limit=${limit}${searchQuery(search)}`;
  return call('GET', `${inNamespace('/ward/v1', 'actions', 'figures')}?${query}`, { signal });
}

/** With its code if that is text: an archive can have many megabytes. @param path `name` or `package/name` */
export async function getFunction(path: string, signal?: AbortSignal): Promise<FunctionRecord> {
  const options = signal === undefined ? {} : { signal };
  const record = await recordFrom('GET', `${pathOf(path)}?code=false`, options);
  return record.exec.binary === true ? record : recordFrom('GET', pathOf(path), options);
}

/** Undefined when Ward keeps none. @param path `name` or `package/name` */
export async function getEarlierCode(path: string): Promise<EarlierCode | undefined> {
  try {
    return await call<EarlierCode>('GET', inNamespace('/ward/v1', 'earlier', ...path.split('/')));
  } catch (error) {
    if (error instanceof ApiError && error.code === 'EARLIER_CODE_MISSING') return undefined;
    throw error;
  }
}

/** @throws ApiError when there is one already */
export function createFunction(path: string, exec: FunctionExec): Promise<FunctionRecord> {
  return recordFrom('PUT', pathOf(path), { body: { exec } });
}

/**
 * Keeps the settings.
 * @param tag of the revision that it replaces
 * @throws ApiError ENTITY_CHANGED when that is no longer the stored one
 */
export function changeFunction(path: string, exec: FunctionExec, tag: string): Promise<FunctionRecord> {
  return recordFrom('PUT', `${pathOf(path)}?overwrite=true`, { body: { exec }, ifMatch: tag });
}

export function deleteFunction(path: string): Promise<unknown> {
  return call('DELETE', pathOf(path));
}

/** Starts it, and does not wait. @returns the id of its run */
export async function startFunction(path: string, input: unknown): Promise<string> {
  const { activationId } = await call<{ activationId: string }>('POST', pathOf(path), { body: input });
  return activationId;
}

/** The names of kinds that this Ward runs code with. */
export async function listKinds(signal: AbortSignal): Promise<readonly string[]> {
  const { runtimes } = await call<{
    runtimes: Readonly<Record<string, readonly { readonly kind: string }[]>>;
  }>('GET', '/', { signal });
  return Object.values(runtimes).flatMap((family) => family.map(({ kind }) => kind));
}

/** `name` or `package/name`. */
export function functionPath({ namespace, name }: Pick<FunctionSummary, 'namespace' | 'name'>): string {
  const inPackage = namespace.split('/')[1];
  return inPackage === undefined ? name : `${inPackage}/${name}`;
}

export function kindOf({ annotations }: Pick<FunctionSummary, 'annotations'>): string {
  const kind = annotations.find(({ key }) => key === 'exec')?.value;
  return typeof kind === 'string' ? kind : 'unknown';
}

async function recordFrom(method: string, path: string, options: CallOptions): Promise<FunctionRecord> {
  const response = await send(method, path, options);
  return { ...(await response.json()), tag: response.headers.get('etag') ?? '' };
}

function listPath(search: string, query: string): string {
  return `${inNamespace('/api/v1', 'actions')}?${query}${searchQuery(search)}`;
}

function searchQuery(search: string): string {
  return search === '' ? '' : `&search=${encodeURIComponent(search)}`;
}

function pathOf(path: string): string {
  return inNamespace('/api/v1', 'actions', ...path.split('/'));
}
