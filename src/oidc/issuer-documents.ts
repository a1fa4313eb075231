/**
 * Loads the keys of an issuer: its discovery document, and the keys to which that points. An issuer that the operator
 * lists may be anywhere. One that only a tenant names is reached as a sandbox of the tenant would reach it, so that no
 * annotation makes Ward connect to what the tenant can't connect to.
 */
import { lookup } from 'node:dns/promises';
import {
  type EgressCeiling,
  type EgressRule,
  pinAddress,
  type ResolveName,
  requireAllowedHost,
} from '../egress/index.ts';
import { withTimeout } from '../lib/index.ts';
import { type DocumentPlace, fetchDocument, hostOf } from './fetch-document.ts';
import { discoveryUrl, type Issuer } from './issuer.ts';
import type { KeyOwner, LoadKeys } from './issuer-keys.ts';
import { jwksUrlOf, keysOf } from './key-set.ts';

export interface ListedIssuer {
  readonly issuer: Issuer;
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca: string | undefined;
}

interface IssuerDocumentsOptions {
  readonly listed: readonly ListedIssuer[];
  /** Where the other issuers may be, which only tenants name. */
  readonly ceiling: EgressCeiling;
  /** The rules of a namespace for its sandboxes. Undefined: it has none of its own. */
  readonly rulesOf: (namespace: string) => Promise<readonly EgressRule[] | undefined>;
  readonly resolve?: ResolveName;
  readonly timeoutMs?: number;
}

const publicCeiling: EgressCeiling = { public: true, rules: [] };

export function loadIssuerKeys(options: IssuerDocumentsOptions): LoadKeys {
  const { timeoutMs = 5000 } = options;
  return async (owner) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const late = () => {
      throw new Error(`no answer in ${timeoutMs} ms`);
    };
    try {
      // The signal ends a connection, but not a question to a resolver.
      return await withTimeout(load(options, owner, signal), timeoutMs, late);
    } catch (error) {
      return signal.aborted ? late() : Promise.reject(error);
    }
  };
}

async function load(options: IssuerDocumentsOptions, owner: KeyOwner, signal: AbortSignal) {
  const read = async (url: URL) => fetchDocument(await placeOf(options, owner, url), signal);
  const jwksUrl = jwksUrlOf(await read(discoveryUrl(owner.issuer)), owner.issuer);
  return keysOf(await read(jwksUrl));
}

/** @throws Fault EGRESS_EXCEEDED, EGRESS_INVALID, EGRESS_UNRESOLVED */
async function placeOf(options: IssuerDocumentsOptions, { issuer, namespace }: KeyOwner, url: URL) {
  const { listed, ceiling, rulesOf, resolve } = options;
  const place = hostAndPort(url);
  const entry = listed.find((each) => each.issuer === issuer);
  if (entry !== undefined) return await placeOfListed(entry, url, resolve);
  if (namespace === undefined) throw new Error('the operator does not list this issuer');
  requireAllowedHost(place, ceiling);
  const within = await rulesOf(namespace);
  if (within !== undefined) requireAllowedHost(place, { public: false, rules: within });
  return { url, address: await pinAddress(place, ceiling, resolve), ca: undefined };
}

/**
 * An issuer that the operator trusts may keep its keys on another public host, but not send Ward anywhere else.
 * @throws Fault EGRESS_EXCEEDED, EGRESS_UNRESOLVED
 */
export async function placeOfListed(
  { issuer, ca }: ListedIssuer,
  url: URL,
  resolve?: ResolveName,
): Promise<DocumentPlace> {
  const place = hostAndPort(url);
  const isHome = new URL(issuer).host === url.host;
  const address = isHome ? await anyAddress(place.host) : await pinAddress(place, publicCeiling, resolve);
  return { url, address, ca };
}

function hostAndPort(url: URL) {
  return { host: hostOf(url), port: url.port === '' ? 443 : Number(url.port) };
}

/** As the host itself resolves names, with `/etc/hosts`. */
async function anyAddress(host: string): Promise<string> {
  return (await lookup(host)).address;
}
