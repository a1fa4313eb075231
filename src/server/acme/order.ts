/** One order of a certificate (RFC 8555): the authority asks this server for each name, by HTTP or by TLS. */
import { type Authorization, axios, Client, crypto } from 'acme-client';
import { messageOf } from '../../lib/index.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { KeptAcme } from './kept.ts';
import { proofName, wordName } from './proofs.ts';

export async function newAccountKey(): Promise<string> {
  return (await crypto.createPrivateEcdsaKey()).toString();
}

/** A pair that no client accepts, until there is another. */
export async function placeholder(name: string): Promise<KeyPair> {
  const identifier = { type: 'dns', value: name };
  return proofFor({ identifier, status: 'pending', challenges: [], url: '' }, '');
}

/** @param word that the authority expects in it (RFC 8737, section 3) */
async function proofFor(about: Authorization, word: string): Promise<KeyPair> {
  const [key, cert] = await crypto.createAlpnCertificate(about, word, await crypto.createPrivateEcdsaKey());
  return { cert: cert.toString(), key: key.toString() };
}

const requestMs = 30_000;
/** The authority checks the names within seconds, or it has a queue. */
const orderMs = 5 * 60_000;
/** Chains and directories are much shorter. */
const mostBytes = 1024 * 1024;

Object.assign(axios.defaults, { timeout: requestMs, maxContentLength: mostBytes });
// That time is for silence, and an authority may also send a byte now and then.
axios.interceptors.request.use((config) => ({ ...config, signal: AbortSignal.timeout(requestMs) }));
// Ward itself waits between attempts, and much longer than the library would, which also loses the error of the network.
axios.interceptors.response.clear();
axios.interceptors.response.use(null, ({ response, message }: Unanswered) => {
  return response ?? Promise.reject(new Error(`the authority does not answer: ${message}`));
});

interface Unanswered {
  /** Whatever its status is. */
  readonly response?: unknown;
  readonly message: string;
}

/**
 * @param admit asked when the authority can be reached: whether it may be given the order
 * @returns undefined when it may not
 * @throws Error of the library or of the authority, or when it takes too long
 */
export async function orderPair(
  setting: AcmeSetting,
  accountKey: string,
  kept: Pick<KeptAcme, 'addProof' | 'deleteProof'>,
  admit: () => Promise<boolean>,
): Promise<KeyPair | undefined> {
  await findAuthority(setting.directory);
  if (!(await admit())) return undefined;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('the authority takes too long')), orderMs);
  try {
    return await Promise.race([order(setting, accountKey, kept), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The library does not say why an authority can't be reached. */
async function findAuthority(directory: string): Promise<void> {
  try {
    const { ok, status, body } = await fetch(directory, { signal: AbortSignal.timeout(requestMs) });
    await body?.cancel();
    if (!ok) throw new Error(`status ${status}`);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    throw new Error(`${directory} does not answer: ${messageOf(why)}`);
  }
}

async function order(
  { directory, names, email, challenge }: AcmeSetting,
  accountKey: string,
  kept: Pick<KeptAcme, 'addProof' | 'deleteProof'>,
): Promise<KeyPair> {
  const client = new Client({ directoryUrl: directory, accountKey, backoffMin: 500, backoffMax: 10_000 });
  await openAccount(client, email);
  const [commonName = ''] = names;
  const ownKey = await crypto.createPrivateEcdsaKey();
  const [key, csr] = await crypto.createCsr({ commonName, altNames: [...names] }, ownKey);
  const cert = await client.auto({
    csr,
    challengePriority: [challenge],
    // Only the authority knows whether it reaches this server.
    skipChallengeVerification: true,
    async challengeCreateFn(about, { type, token }, word) {
      if (type === 'http-01') await kept.addProof(wordName(token), { word });
      else await kept.addProof(proofName(about.identifier.value), await proofFor(about, word));
    },
    async challengeRemoveFn({ identifier }, { type, token }) {
      await kept.deleteProof(type === 'http-01' ? wordName(token) : proofName(identifier.value));
    },
  });
  return { cert, key: key.toString() };
}

/** The library would change an account that exists, which authorities may refuse. */
async function openAccount(client: Client, email: string | undefined): Promise<void> {
  try {
    await client.createAccount({ onlyReturnExisting: true });
  } catch {
    const contact = email === undefined ? {} : { contact: [`mailto:${email}`] };
    await client.createAccount({ termsOfServiceAgreed: true, ...contact });
  }
}
