/** The operator's view of certificates, whether or not a server runs: those of an authority, and those in files. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { errnoOf, isFault, messageOf } from '../../lib/index.ts';
import type { AcmeRow, Store } from '../../store/index.ts';
import { causeOf } from '../acme/advice.ts';
import { certificateDocument } from '../acme/kept.ts';
import { OrderBudget } from '../acme/order-budget.ts';
import { nextTry } from '../acme/schedule.ts';
import { type Config, loadConfig } from '../config/config.ts';
import type { AcmeSetting, KeyPairFiles } from '../config/tls-setting.ts';
import { readKeyPair } from '../tls/key-pair.ts';
import { openState, type Place } from './operator-stores.ts';

export interface CertificateView {
  /** Of the certificate, separated by spaces; or the operator's file. */
  readonly name: string;
  /** Its end. Null: there is none yet. Times are epoch milliseconds. */
  readonly until: number | null;
  /** The last attempt to get one from the authority. */
  readonly triedAt: number | null;
  /** Attempts that have failed since the last success. */
  readonly failures: number;
  readonly error: string | null;
  /** What to do about the error. */
  readonly hint: string | null;
  /** It ends soon, or there is none. */
  readonly isUrgent: boolean;
}

/** An authority's certificate for 90 days is renewed 30 days before its end. */
const urgentMs = 7 * 86_400_000;

/** @returns none when the server speaks plain HTTP. @throws Fault DATA_DIR_EMPTY */
export async function listCertificates(place: Place): Promise<readonly CertificateView[]> {
  const config = await loadConfig(place);
  if (config.tls?.acme === undefined) return fileViews(config);
  await using at = await openState(place);
  return await certificatesOf(at.config, at.store);
}

export async function certificatesOf(
  config: Pick<Config, 'tls'>,
  store: Pick<Store, 'acme' | 'domains'>,
): Promise<readonly CertificateView[]> {
  const files = await fileViews(config);
  const acme = config.tls?.acme;
  return acme === undefined ? files : [...files, ...(await issuedViews(store, acme))];
}

function fileViews({ tls }: Pick<Config, 'tls'>): Promise<readonly CertificateView[]> {
  return Promise.all((tls?.files ?? []).map(fileView));
}

async function fileView(files: KeyPairFiles): Promise<CertificateView> {
  const nothing = { name: files.cert, triedAt: null, failures: 0 };
  try {
    const until = new X509Certificate(await readFile(files.cert)).validToDate.getTime();
    const unfit = await whyUnfit(files);
    return { ...nothing, until, error: null, hint: null, isUrgent: isUrgent(until), ...unfit };
  } catch (error) {
    const hint = 'name a file with a certificate in PEM that Ward may read';
    return { ...nothing, until: null, error: messageOf(error), hint, isUrgent: true };
  }
}

/** Why the server does not take the pair. Undefined as well when only the server may read the key. */
async function whyUnfit(files: KeyPairFiles): Promise<Partial<CertificateView> | undefined> {
  try {
    await readKeyPair(files, Date.now());
    return undefined;
  } catch (error) {
    if (!isFault(error) || errnoOf(error.cause) === 'EACCES') return undefined;
    return { error: error.message, hint: error.hint ?? null, isUrgent: true };
  }
}

/** That of the server, tried or not, and those of domains. */
async function issuedViews(
  { acme, domains }: Pick<Store, 'acme' | 'domains'>,
  { names, ordersPerDay }: Pick<AcmeSetting, 'names' | 'ordersPerDay'>,
): Promise<readonly CertificateView[]> {
  const own = names.join(' ');
  const rows = await acme.list('certificate');
  const recent = await new OrderBudget(acme, ordersPerDay).recent();
  const views = [issuedView(own, rows.find(({ name }) => name === own)?.document)];
  for (const { name, document } of rows) {
    const owner = name === own ? undefined : await domains.owner(name);
    if (owner !== undefined) views.push(issuedView(name, document, recent.refusal(owner.namespace)?.reason));
  }
  return views;
}

/** @param refusal why Ward would not order it now */
function issuedView(
  name: string,
  document: AcmeRow['document'] | undefined,
  refusal?: string,
): CertificateView {
  const { data } = certificateDocument.safeParse(document);
  const { until = null, triedAt = null, failures = 0, error = null, dueAt = 0 } = data ?? {};
  const known = { name, until, triedAt, failures, isUrgent: isUrgent(until) };
  const now = Date.now();
  if (refusal !== undefined && nextTry({ dueAt, failures, triedAt }, now) <= now)
    return {
      ...known,
      error: refusal,
      hint: 'wait until the oldest order is a day old, or raise tls.acme.ordersPerDay',
    };
  return { ...known, error, hint: error === null ? null : causeOf(error).hint };
}

function isUrgent(until: number | null): boolean {
  return until === null || until - Date.now() < urgentMs;
}
