/**
 * The certificate authority of a cluster: one P-256 key and its own certificate, in one file that only its owner can
 * read. The cluster's id is the common name of the certificate. API nodes that have the file can let nodes join.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { createFileAtomically } from '../blobs/index.ts';
import { messageOf, randomHex, readSecretFile } from '../lib/index.ts';
import { type CertificateFields, issueCertificate, type Subject } from './certificates.ts';
import { clockSlackMs } from './clock.ts';
import { clusterFault } from './faults.ts';
import { keyId, newNodeKey, privatePem } from './keys.ts';
import { clusterIdSchema } from './messages.ts';

export interface Authority {
  /** The cluster's id: 16 hex digits. */
  readonly cluster: string;
  /** PEM. */
  readonly certificate: string;
  /** Identifies its key: what a token says about it. */
  readonly pin: string;
  /** @returns PEM */
  issue(fields: Omit<CertificateFields, 'use'> & { readonly use: 'node' | 'server' }): Promise<string>;
  /** Whether this authority has issued it. Says nothing about its time. */
  hasIssued(certificate: X509Certificate): boolean;
}

const idBytes = 8;
const lifeMs = 10 * 365 * 86_400_000;
const organization = 'ward';

export function authorityFile(folder: string): string {
  return join(folder, 'authority.pem');
}

/** Makes the authority once; later calls change nothing. @throws Fault CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE */
export async function makeAuthority(
  folder: string,
): Promise<{ readonly authority: Authority; readonly isNew: boolean }> {
  const file = authorityFile(folder);
  const privateKey = newNodeKey();
  const subject: Subject = { commonName: randomHex(idBytes), organization };
  const now = Date.now();
  const certificate = await issueCertificate(
    { subject, key: privateKey, from: now - clockSlackMs, until: now + lifeMs, use: 'authority' },
    { subject, privateKey },
  );
  let isNew: boolean;
  try {
    isNew = await createFileAtomically(file, privatePem(privateKey) + certificate, { mode: 0o600 });
  } catch (cause) {
    throw invalid(`the authority can't be written to ${file}: ${messageOf(cause)}`, cause);
  }
  return { authority: openAuthority(folder), isNew };
}

/** @throws Fault CLUSTER_MISSING, CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE */
export function openAuthority(folder: string): Authority {
  const file = authorityFile(folder);
  const text = readClusterFile(file);
  if (text === undefined) {
    throw clusterFault('CLUSTER_MISSING', `${folder} has no authority of a cluster`, {
      hint: 'ward cluster init makes one; a further API node needs a copy of the file authority.pem',
    });
  }
  const parsed = parseAuthority(text);
  if (parsed === undefined) throw invalid(`${file} holds no key with its certificate`);
  return authorityOf(parsed.privateKey, parsed.certificate);
}

/**
 * Reads a file with a private key; undefined when it does not exist.
 * @throws Fault CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE
 */
export function readClusterFile(file: string): string | undefined {
  const found = readSecretFile(file);
  if (!('problem' in found)) return found.text;
  if (found.problem === 'shared') {
    throw clusterFault('CLUSTER_FILE_INSECURE', `other users can read or write ${file}, which holds a key`, {
      hint: `chmod 600 ${file}`,
    });
  }
  if (found.isMissing) return undefined;
  throw invalid(`${file} can't be read: ${found.why}`, found.cause);
}

function parseAuthority(
  text: string,
): { readonly privateKey: KeyObject; readonly certificate: X509Certificate } | undefined {
  try {
    const privateKey = createPrivateKey(text);
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')));
    return certificate.ca && certificate.checkPrivateKey(privateKey)
      ? { privateKey, certificate }
      : undefined;
  } catch {
    return undefined;
  }
}

function authorityOf(privateKey: KeyObject, certificate: X509Certificate): Authority {
  const subject = subjectOf(certificate);
  if (!clusterIdSchema.safeParse(subject.commonName).success)
    throw invalid('the certificate of the authority does not have the id of a cluster as its name');
  return {
    cluster: subject.commonName,
    certificate: certificate.toString(),
    pin: keyId(privateKey),
    issue: (fields) => issueCertificate(fields, { subject, privateKey }),
    hasIssued: (other) => isIssuedBy(other, certificate),
  };
}

export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** The names in a certificate; empty when it has none, or several of a kind. */
export function subjectOf(certificate: X509Certificate): Subject {
  const { CN, O } = certificate.toLegacyObject().subject;
  const one = (value: unknown) => (typeof value === 'string' ? value : '');
  return { commonName: one(CN), organization: one(O) };
}

function invalid(message: string, cause?: unknown) {
  return clusterFault('CLUSTER_FILE_INVALID', message, {
    hint: 'restore the file from a copy',
    ...(cause === undefined ? {} : { cause }),
  });
}
