/**
 * Imitates sigstore's services for tests of keyless signatures, with openssl in a temporary folder: Fulcio, an authority
 * that certifies an identity for ten minutes; its log of certificates; Rekor, a log of signatures with promises (SET),
 * inclusion proofs and checkpoints; a time-stamp authority (RFC 3161). Nothing listens: their answers are put into bundles,
 * and `trustedRoot` is the document that an operator would have.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../blobs/index.ts';
import { type JsonObject, runCommand } from '../../lib/index.ts';
import { bundleMediaType } from './bundle.ts';

export interface Services {
  /** The log of certificates. */
  readonly hasCertificateLog?: boolean;
  readonly hasLog?: boolean;
  readonly hasTimeAuthority?: boolean;
}

export interface Signing {
  readonly digest: Digest;
  readonly predicateType: string;
  readonly predicate?: JsonObject;
  /** In openssl's notation: `URI:https://…`, `email:…`. */
  readonly name?: string;
  readonly issuer?: string;
  /** Epoch seconds at which the certificate becomes valid, for ten minutes. */
  readonly certifiedAt?: number;
  /** Epoch seconds at which the log added it. */
  readonly loggedAt?: number;
  readonly extendedKeyUsage?: string;
  readonly isLogged?: boolean;
  readonly isTimed?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Sigstore extends AsyncDisposable {
  /** The text of a `trusted_root.json`. */
  readonly trustedRoot: string;
  /** A bundle, as `cosign sign` and `cosign attest` make it without a key. */
  sign(signing: Signing): Promise<JsonObject>;
  /** Adds an entry of the log to a bundle. */
  logged(bundle: JsonObject, at?: number): JsonObject;
}

export const subject = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
export const issuer = 'https://token.actions.githubusercontent.com';
const logHost = 'rekor.example';
const hash = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();
const now = () => Math.floor(Date.now() / 1000);

export async function startSigstore(services: Services = {}): Promise<Sigstore> {
  const { hasCertificateLog = true, hasLog = true, hasTimeAuthority = false } = services;
  const folder = await mkdtemp(join(tmpdir(), 'ward-sigstore-'));
  const openssl = async (...args: readonly string[]) => {
    const { code, stderr } = await runCommand(['openssl', ...args], { cwd: folder });
    if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  };
  const authority = await makeAuthority(folder, openssl);
  const certificateLog = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const log = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (hasTimeAuthority) await makeTimeAuthority(folder, openssl);

  const certify = async (signing: Signing, key: string): Promise<Buffer> => {
    const { name = `URI:${subject}`, issuer: by = issuer, extendedKeyUsage = 'codeSigning' } = signing;
    const { certifiedAt = now() - 60 } = signing;
    const make = async (...further: readonly string[]) => {
      await openssl(
        ...['req', '-x509', '-new', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-key', key, '-subj', '/'],
        ...['-not_before', timeOf(certifiedAt), '-not_after', timeOf(certifiedAt + 600)],
        ...['-set_serial', '4711', '-outform', 'DER', '-out', `${key}.der`],
        ...extensions('basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'),
        ...extensions(`extendedKeyUsage=${extendedKeyUsage}`, `subjectAltName=critical,${name}`),
        ...extensions(`1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${by}`, ...further),
      );
      return await readFile(join(folder, `${key}.der`));
    };
    const certificate = await make();
    if (!hasCertificateLog) return certificate;
    const promise = certificatePromise(certificate, authority.publicKey, certificateLog.privateKey);
    return await make(`1.3.6.1.4.1.11129.2.4.2=DER:${promise.toString('hex')}`);
  };

  const logged = (bundle: JsonObject, at = now()): JsonObject => {
    const material = bundle['verificationMaterial'];
    const entry = entryOf(bundle, at, log.privateKey);
    return { ...bundle, verificationMaterial: Object.assign({}, material, { tlogEntries: [entry] }) };
  };

  return {
    trustedRoot: JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      certificateAuthorities: [authorityOf(authority.certificate)],
      tlogs: hasLog ? [logOf(logHost, log.publicKey)] : [],
      ctlogs: hasCertificateLog ? [logOf('ct.example', certificateLog.publicKey)] : [],
      timestampAuthorities: hasTimeAuthority
        ? [authorityOf(await readFile(join(folder, 'tsa.der')), authority.certificate)]
        : [],
    }),
    async sign(signing) {
      const { isLogged = hasLog, isTimed = hasTimeAuthority, certifiedAt = now() - 60 } = signing;
      const key = `leaf-${crypto.randomUUID()}`;
      await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
      const certificate = await certify(signing, key);
      const statement = Buffer.from(JSON.stringify(statementOf(signing)));
      const payloadType = 'application/vnd.in-toto+json';
      const message = Buffer.concat([
        Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${statement.length} `),
        statement,
      ]);
      const signature = sign('sha256', message, createPrivateKey(await readFile(join(folder, key))));
      const stamps = isTimed ? [{ signedTimestamp: await timeStamp(folder, openssl, signature) }] : [];
      const bundle = {
        mediaType: bundleMediaType,
        verificationMaterial: {
          certificate: { rawBytes: certificate.toString('base64') },
          timestampVerificationData: { rfc3161Timestamps: stamps },
        },
        dsseEnvelope: {
          payloadType,
          payload: statement.toString('base64'),
          signatures: [{ sig: signature.toString('base64') }],
        },
      };
      return isLogged ? logged(bundle, signing.loggedAt ?? certifiedAt + 30) : bundle;
    },
    logged,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A root with a log and without an authority, made without openssl. */
export function rootOfLog(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf(logHost, publicKey)],
  });
}

type Openssl = (...args: readonly string[]) => Promise<void>;
const extensions = (...texts: readonly string[]) => texts.flatMap((text) => ['-addext', text]);

const newCertificate = (keyFile: string) => [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ...['-noenc', '-keyout', keyFile],
];

async function makeAuthority(folder: string, openssl: Openssl) {
  await openssl(
    ...newCertificate('ca.key'),
    ...['-subj', '/O=sigstore.example/CN=authority', '-not_before', '20200101000000Z', '-days', '9000'],
    ...[
      '-out',
      'ca.pem',
      ...extensions('basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'),
    ],
  );
  await openssl('x509', '-in', 'ca.pem', '-outform', 'DER', '-out', 'ca.der');
  const publicKey = createPublicKey(await readFile(join(folder, 'ca.pem')));
  return { certificate: await readFile(join(folder, 'ca.der')), publicKey };
}

async function makeTimeAuthority(folder: string, openssl: Openssl): Promise<void> {
  await openssl(
    ...newCertificate('tsa.key'),
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', '/CN=time', '-days', '9000', '-out', 'tsa.pem'],
    ...extensions('basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'),
    ...extensions('extendedKeyUsage=critical,timeStamping'),
  );
  await openssl('x509', '-in', 'tsa.pem', '-outform', 'DER', '-out', 'tsa.der');
  const settings = [
    '[tsa]',
    'default_policy=1.2.3.4',
    'digests=sha256',
    'serial=serial',
    'ess_cert_id_alg=sha256',
  ];
  await writeFile(join(folder, 'tsa.cnf'), `${settings.join('\n')}\nsigner_digest=sha256\n`);
}

async function timeStamp(folder: string, openssl: Openssl, signature: Buffer): Promise<string> {
  const digest = hash(signature).toString('hex');
  await openssl('ts', '-query', '-digest', digest, '-sha256', '-cert', '-out', 'stamp.tsq');
  await openssl(
    ...['ts', '-reply', '-config', 'tsa.cnf', '-section', 'tsa', '-queryfile', 'stamp.tsq'],
    ...['-signer', 'tsa.pem', '-inkey', 'tsa.key', '-out', 'stamp.tsr'],
  );
  return (await readFile(join(folder, 'stamp.tsr'))).toString('base64');
}

/** The second entry of two (cosign takes index 0 for none): Rekor's type `dsse`, version 0.0.1. */
function entryOf(bundle: JsonObject, integratedTime: number, key: KeyObject): JsonObject {
  const envelope: { payload?: string; signatures?: { sig: string }[] } = Object(bundle['dsseEnvelope']);
  const payloadHash = hash(Buffer.from(envelope.payload ?? '', 'base64')).toString('hex');
  const canonical = Buffer.from(
    JSON.stringify({
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: { algorithm: 'sha256', value: hash(JSON.stringify(envelope)).toString('hex') },
        payloadHash: { algorithm: 'sha256', value: payloadHash },
        signatures: [{ signature: envelope.signatures?.[0]?.sig ?? '', verifier: verifierOf(bundle) }],
      },
    }),
  );
  const body = canonical.toString('base64');
  const logId = logIdOf(createPublicKey(key));
  const promised = { body, integratedTime, logID: logId.toString('hex'), logIndex: 1 };
  const leaf = hash(Buffer.concat([Buffer.from([0]), canonical]));
  const other = hash(Buffer.concat([Buffer.from([0]), Buffer.from('another entry')]));
  const rootHash = hash(Buffer.concat([Buffer.from([1]), other, leaf]));
  const note = `${logHost} - 1\n2\n${rootHash.toString('base64')}\n`;
  const noteSignature = Buffer.concat([logId.subarray(0, 4), sign('sha256', Buffer.from(note), key)]);
  return {
    logIndex: '1',
    logId: { keyId: logId.toString('base64') },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: {
      signedEntryTimestamp: sign('sha256', Buffer.from(JSON.stringify(promised)), key).toString('base64'),
    },
    inclusionProof: {
      logIndex: '1',
      rootHash: rootHash.toString('base64'),
      treeSize: '2',
      hashes: [other.toString('base64')],
      checkpoint: { envelope: `${note}\n\u2014 ${logHost} ${noteSignature.toString('base64')}\n` },
    },
    canonicalizedBody: body,
  };
}

/** The certificate in Rekor's form. */
function verifierOf(bundle: JsonObject): string {
  const rawBytes: unknown = Object(bundle['verificationMaterial']).certificate?.rawBytes;
  if (typeof rawBytes !== 'string') return '';
  const pem = new X509Certificate(Buffer.from(rawBytes, 'base64')).toString();
  return Buffer.from(pem).toString('base64');
}

/** A promise over the certificate without the promise itself (RFC 6962, 3.2 and 3.3). */
function certificatePromise(certificate: Buffer, authority: KeyObject, key: KeyObject): Buffer {
  const signed = innerOf(certificate);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Date.now()));
  const content = Buffer.concat([
    Buffer.from([0, 0]),
    time,
    Buffer.from([0, 1]),
    logIdOf(authority),
    Buffer.from([0, signed.length >> 8, signed.length & 0xff]),
    signed,
    Buffer.from([0, 0]),
  ]);
  const signature = sign('sha256', content, key);
  const promise = Buffer.concat([
    Buffer.from([0]),
    logIdOf(createPublicKey(key)),
    time,
    Buffer.from([0, 0, 4, 3, 0, signature.length]),
    signature,
  ]);
  const list = Buffer.concat([Buffer.from([0, promise.length + 2, 0, promise.length]), promise]);
  return Buffer.concat([Buffer.from([4, list.length]), list]);
}

/** The whole first element of a DER sequence: the signed part of a certificate. */
function innerOf(der: Buffer): Buffer {
  const headerOf = (at: number) => {
    const first = der[at + 1] ?? 0;
    const bytes = first < 0x80 ? 0 : first & 0x7f;
    const length = bytes === 0 ? first : der.readUIntBE(at + 2, bytes);
    return { start: at + 2 + bytes, length };
  };
  const { start } = headerOf(0);
  const inner = headerOf(start);
  return der.subarray(start, inner.start + inner.length);
}

function statementOf({ digest, predicateType, predicate = {}, annotations }: Signing): JsonObject {
  const about = { name: 'app', digest: { sha256: digest.slice('sha256:'.length) } };
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [annotations === undefined ? about : { ...about, annotations }],
    predicateType,
    predicate,
  };
}

function authorityOf(...chain: readonly Buffer[]): JsonObject {
  return {
    subject: { organization: 'sigstore.example', commonName: 'authority' },
    uri: 'https://sigstore.example',
    certChain: { certificates: chain.map((der) => ({ rawBytes: der.toString('base64') })) },
    validFor: { start: '2020-01-01T00:00:00Z' },
  };
}

function logOf(host: string, key: KeyObject): JsonObject {
  return {
    baseUrl: `https://${host}`,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: derOf(key).toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: '2020-01-01T00:00:00Z' },
    },
    logId: { keyId: logIdOf(key).toString('base64') },
  };
}

const derOf = (key: KeyObject) => key.export({ format: 'der', type: 'spki' });
const logIdOf = (key: KeyObject) => hash(derOf(key));

/** `20260101000000Z` */
function timeOf(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}
