/** Bundles of sigstore by keys, and by identities that a test authority certifies (`sigstore.fixture.ts`). */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { isFault, type JsonObject, runCommand } from '../../lib/index.ts';
import { bundleStatement, predicateTypes } from './attestations.ts';
import { bundleMediaType, openBundle } from './bundle.ts';
import { isEvidence } from './companions.ts';
import { type EvidenceCheck, verifyEvidence } from './evidence-layers.ts';
import { generateKeyPair, readSigningKey } from './keys.ts';
import { issuer, type Signing, type Sigstore, startSigstore, subject } from './sigstore.fixture.ts';
import { readTrustedRoot } from './trusted-root.ts';

const [image, another] = [digestOf('image'), digestOf('another')];
const ours = readSigningKey(generateKeyPair('x').privateKey, 'x');
const theirs = readSigningKey(generateKeyPair('x').privateKey, 'x');
const { signature: signatureType } = predicateTypes;
const malformed = expect.objectContaining({ code: 'SIGNATURE_MALFORMED' });

const bytesOf = (bundle: JsonObject) => Buffer.from(JSON.stringify(bundle));
const parsed = (bundle: Buffer): JsonObject => JSON.parse(bundle.toString());
const layerOf = (content: Uint8Array, mediaType: string = bundleMediaType) => ({
  mediaType,
  content,
  annotations: {},
});
const statement = (digest = image, predicateType: string = signatureType) => ({
  subjects: [{ name: 'app', digest, annotations: { stage: 'production' } }],
  predicateType,
  predicate: {},
});

describe('by a key', () => {
  const anchors = { keys: [theirs, ours], roots: [] };
  const checked = (content: Uint8Array, mediaType?: string): EvidenceCheck =>
    verifyEvidence(image, [layerOf(content, mediaType)], anchors);

  it('a signature counts for its image, with its annotations', () => {
    expect(checked(bundleStatement(statement(), ours))).toEqual({
      signatures: [{ keyId: ours.id, logEntries: 0, reference: 'app', annotations: { stage: 'production' } }],
      attestations: [],
      rejected: [],
    });
  });

  it('parts that are null, as some clients write them, count as missing', () => {
    const bundle = parsed(bundleStatement(statement(), ours));
    const nulls = { tlogEntries: null, timestampVerificationData: null };
    const material = { ...Object(bundle['verificationMaterial']), ...nulls };
    expect(checked(bytesOf({ ...bundle, verificationMaterial: material })).signatures).toHaveLength(1);
  });

  it('an attestation does not count as a signature', () => {
    const { signatures, attestations } = checked(
      bundleStatement(statement(image, predicateTypes.vulnerabilities), ours),
    );
    expect(signatures).toEqual([]);
    expect(attestations).toMatchObject([{ keyId: ours.id, predicateType: predicateTypes.vulnerabilities }]);
  });

  it('a signature of another image, attached to this one, does not count', () => {
    expect(checked(bundleStatement(statement(another), ours))).toEqual({
      signatures: [],
      attestations: [],
      rejected: [{ reason: `it is about another image, ${another}` }],
    });
  });

  it('a signature by an unknown key does not count, whatever its hint says', () => {
    const unknown = readSigningKey(generateKeyPair('x').privateKey, 'x');
    const bundle = parsed(bundleStatement(statement(), unknown));
    const hint = Buffer.from(ours.id, 'hex').toString('base64');
    const material = { ...bundle, verificationMaterial: { publicKey: { hint } } };
    expect(checked(bytesOf(material)).rejected).toEqual([{ reason: 'none of the keys made it' }]);
  });

  it.each(['ed25519', 'rsa'] as const)('an %s key signs and is believed, too', (type) => {
    const { privateKey } =
      type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
    const key = readSigningKey(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), '');
    const layers = [layerOf(bundleStatement(statement(), key))];
    const { signatures } = verifyEvidence(image, layers, { keys: [key], roots: [] });
    expect(signatures).toMatchObject([{ keyId: key.id }]);
  });

  it('a changed payload does not count', () => {
    const bundle = parsed(bundleStatement(statement(another), ours));
    const genuine = Object(bundle['dsseEnvelope']);
    const payload = Buffer.from(
      Buffer.from(genuine.payload, 'base64').toString().replace(another.slice(7), image.slice(7)),
    ).toString('base64');
    const changed = bytesOf({ ...bundle, dsseEnvelope: { ...genuine, payload } });
    expect(checked(changed).rejected).toEqual([{ reason: 'none of the keys made it' }]);
  });

  it.each([
    'application/json',
    'application/vnd.dev.sigstore.bundle.v0.3+json; charset=utf-8',
    'application/vnd.dev.sigstore.bundle.v9.9+json',
    'text/html',
    '',
  ])('a layer of the type %j is ignored', (mediaType) => {
    const bundle = bundleStatement(statement(), ours);
    expect(isEvidence({ mediaType, size: bundle.length })).toBe(false);
    expect(checked(bundle, mediaType)).toEqual({ signatures: [], attestations: [], rejected: [] });
  });

  it('a huge bundle is not read, and is refused before it is parsed', () => {
    expect(isEvidence({ mediaType: bundleMediaType, size: 9 * 1024 * 1024 })).toBe(false);
    const huge = Buffer.alloc(17 * 1024 * 1024, '[');
    expect(checked(huge).rejected).toEqual([{ reason: expect.stringContaining('more than 16777216 bytes') }]);
  });

  const material = { publicKey: { hint: '' } };
  it.each([
    ['no JSON', 'x'],
    ['nothing in it', '{}'],
    ['too deep', `{"a":${'['.repeat(1000)}`],
    [
      'another version',
      { mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1', verificationMaterial: material },
    ],
    ['no content', { mediaType: bundleMediaType, verificationMaterial: material }],
    [
      'no signature',
      {
        mediaType: bundleMediaType,
        verificationMaterial: material,
        dsseEnvelope: { payload: 'YQ==', signatures: [] },
      },
    ],
    [
      'an invalid certificate',
      {
        mediaType: bundleMediaType,
        verificationMaterial: { certificate: { rawBytes: 'AAAA' } },
        dsseEnvelope: { payload: 'YQ==', signatures: [{ sig: 'AAAA' }] },
      },
    ],
    [
      'a chain of certificates',
      {
        mediaType: bundleMediaType,
        verificationMaterial: { x509CertificateChain: { certificates: [{ rawBytes: 'AAAA' }] } },
        dsseEnvelope: { payload: 'YQ==', signatures: [{ sig: 'AAAA' }] },
      },
    ],
    [
      'many entries of logs',
      {
        mediaType: bundleMediaType,
        verificationMaterial: { ...material, tlogEntries: Array(1000).fill({}) },
      },
    ],
  ])('an invalid bundle is refused: %s', (_title, document) => {
    const content = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
    expect(() => openBundle(content, anchors)).toThrow(malformed);
    expect(checked(content).rejected).toHaveLength(1);
  });

  it('a bundle over a file is no statement about an image', () => {
    const messageSignature = { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' };
    const content = bytesOf({ mediaType: bundleMediaType, verificationMaterial: material, messageSignature });
    expect(checked(content).rejected).toEqual([
      { reason: 'it signs a file, not a statement about an image' },
    ]);
  });

  it('any change is harmless, or the bundle does not count', () => {
    const content = bundleStatement(statement(), ours);
    fc.assert(
      fc.property(fc.nat(content.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(content);
        changed[at] = byte;
        for (const found of checked(changed).signatures) {
          expect(found).toMatchObject({
            keyId: ours.id,
            reference: 'app',
            annotations: { stage: 'production' },
          });
        }
      }),
      { numRuns: 300 },
    );
  });
});

const hasOpenssl = (await runCommand(['openssl', 'version']).catch(() => undefined))?.code === 0;

describe.skipIf(!hasOpenssl)('without a key, by services that openssl makes', () => {
  let sigstore: Sigstore;
  beforeAll(async () => {
    sigstore = await startSigstore();
  });
  afterAll(() => sigstore?.[Symbol.asyncDispose]());

  const signing = { digest: image, predicateType: signatureType };
  const check = (content: JsonObject, from: Pick<Sigstore, 'trustedRoot'> = sigstore) =>
    verifyEvidence(image, [layerOf(bytesOf(content))], {
      keys: [ours],
      roots: [readTrustedRoot('public', from.trustedRoot)],
    });
  const reasonOf = (content: JsonObject, from?: Pick<Sigstore, 'trustedRoot'>) => {
    const { signatures, attestations, rejected } = check(content, from);
    expect([signatures, attestations, rejected.length]).toEqual([[], [], 1]);
    return rejected[0]?.reason;
  };

  it('a signature by a certified identity counts long after the certificate has expired', async () => {
    const certifiedAt = Date.parse('2026-01-01') / 1000;
    expect(check(await sigstore.sign({ ...signing, certifiedAt })).signatures).toEqual([
      {
        certified: { roots: ['public'], issuer, subject },
        logEntries: 1,
        reference: 'app',
        annotations: {},
      },
    ]);
  });

  it('an e-mail address is an identity, too', async () => {
    const bundle = await sigstore.sign({ ...signing, name: 'email:ada@example.org' });
    expect(check(bundle).signatures).toMatchObject([{ certified: { subject: 'ada@example.org' } }]);
  });

  it.each<readonly [string, Partial<Signing>, RegExp]>([
    [
      'the log added it after the certificate had expired',
      { certifiedAt: 1_767_225_600, loggedAt: 1_767_226_201 },
      /certificate chain/,
    ],
    [
      'the log added it before the certificate was valid',
      { certifiedAt: 1_767_225_600, loggedAt: 1_767_225_599 },
      /certificate chain/,
    ],
    ['no log has it, and no time was signed for', { isLogged: false }, /expected 1 timestamps, got 0/],
    ['it is about another image', { digest: another }, /about another image/],
    ['its certificate is for servers', { extendedKeyUsage: 'serverAuth' }, /not for exactly one name/],
    [
      'its certificate is for two names',
      { name: `URI:${subject},email:ada@example.org` },
      /not for exactly one name/,
    ],
    ['its certificate names a host', { name: 'DNS:example.org' }, /does not name its subject/],
  ])('does not count: %s', async (_title, change, reason) => {
    expect(reasonOf(await sigstore.sign({ ...signing, ...change }))).toMatch(reason);
  });

  it('a payload that was changed after it was logged does not count', async () => {
    const bundle = await sigstore.sign({ ...signing, digest: another });
    const envelope = Object(bundle['dsseEnvelope']);
    const text = Buffer.from(envelope.payload, 'base64').toString().replace(another.slice(7), image.slice(7));
    const changed = {
      ...bundle,
      dsseEnvelope: { ...envelope, payload: Buffer.from(text).toString('base64') },
    };
    expect(reasonOf(changed)).toMatch(/hash mismatch/);
    expect(reasonOf(sigstore.logged(changed))).toMatch(/signature verification failed/);
  });

  it('the log entry of another signature does not prove this one', async () => {
    const [one, other] = [await sigstore.sign(signing), await sigstore.sign(signing)];
    expect(
      reasonOf({
        ...one,
        verificationMaterial: {
          ...Object(one['verificationMaterial']),
          tlogEntries: Object(other['verificationMaterial']).tlogEntries,
        },
      }),
    ).toMatch(/mismatch/);
  });

  it.each(['signedEntryTimestamp', 'hashes', 'checkpoint', 'integratedTime', 'canonicalizedBody'])(
    'an entry with another %s does not count',
    async (field) => {
      const bundle = JSON.stringify(await sigstore.sign(signing));
      const changed = bundle.replace(
        new RegExp(`("${field}":[{[]?(?:"envelope":)?"[^"]{6})(.)`),
        (_all, before, one) => `${before}${one === '1' ? '2' : '1'}`,
      );
      expect(changed).not.toBe(bundle);
      expect(reasonOf(JSON.parse(changed))).toMatch(/vouches|bundle/);
    },
  );

  it('an authority or a log outside the trusted root does not count', async () => {
    await using others = await startSigstore();
    expect(reasonOf(await others.sign(signing))).toMatch(/no trusted root vouches/);
    expect(reasonOf(others.logged(await sigstore.sign({ ...signing, isLogged: false })))).toMatch(/promise/);
  });

  it('without a trusted root no certificate counts', async () => {
    const layers = [layerOf(bytesOf(await sigstore.sign(signing)))];
    expect(verifyEvidence(image, layers, { keys: [ours], roots: [] }).rejected).toEqual([
      { reason: 'a certificate made it, and the policy has no trusted root' },
    ]);
  });

  it.each<readonly [string, (entry: ReturnType<typeof Object>) => void]>([
    ['a number of a million digits', (entry) => (entry.inclusionProof.logIndex = '9'.repeat(1_000_000))],
    ['a time of a million digits', (entry) => (entry.integratedTime = '9'.repeat(1_000_000))],
    ['many hashes', (entry) => (entry.inclusionProof.hashes = Array(100_000).fill('AAAA'))],
    ['a long body', (entry) => (entry.canonicalizedBody = 'A'.repeat(1_000_000))],
    ['a long checkpoint', (entry) => (entry.inclusionProof.checkpoint.envelope += 'x'.repeat(10_000))],
    [
      'a checkpoint under many signatures',
      (entry) => (entry.inclusionProof.checkpoint.envelope += '\u2014 r AAAAAAAA\n'.repeat(20)),
    ],
  ])('an entry with %s is refused before any of it is computed', async (_title, change) => {
    const bundle = JSON.parse(JSON.stringify(await sigstore.sign(signing)));
    change(bundle.verificationMaterial.tlogEntries[0]);
    expect(() => openBundle(bytesOf(bundle), { keys: [], roots: [] })).toThrow(malformed);
  });

  it('a certificate that is in no certificate log does not count if the root names such a log', async () => {
    await using unlisted = await startSigstore({ hasCertificateLog: false });
    const bundle = await unlisted.sign(signing);
    expect(check(bundle, unlisted).signatures).toHaveLength(1);
    const { ctlogs } = JSON.parse(sigstore.trustedRoot);
    const strict = JSON.stringify({ ...JSON.parse(unlisted.trustedRoot), ctlogs });
    expect(reasonOf(bundle, { trustedRoot: strict })).toMatch(/expected 1 SCTs, got 0/);
  });

  it('a time-stamp authority is enough if the root has no signature log', async () => {
    await using timed = await startSigstore({ hasLog: false, hasTimeAuthority: true });
    const bundle = await timed.sign(signing);
    expect(check(bundle, timed).signatures).toMatchObject([{ certified: { subject }, logEntries: 0 }]);
    const other = Object((await timed.sign(signing))['verificationMaterial']).timestampVerificationData;
    const moved = {
      ...bundle,
      verificationMaterial: { ...Object(bundle['verificationMaterial']), timestampVerificationData: other },
    };
    expect(reasonOf(moved, timed)).toMatch(/timestamp could not be verified/);
    expect(reasonOf(await timed.sign({ ...signing, isTimed: false }), timed)).toMatch(/got 0/);
  });

  it('an unsigned time does not count', async () => {
    await using timed = await startSigstore({ hasTimeAuthority: true });
    const unpromised = async (change: Partial<Signing>) => {
      const bundle = await timed.sign({ ...signing, ...change });
      const material = Object(bundle['verificationMaterial']);
      const { inclusionPromise: _promise, ...entry } = material.tlogEntries[0];
      return { ...bundle, verificationMaterial: { ...material, tlogEntries: [entry] } };
    };
    expect(reasonOf(await unpromised({ isTimed: false }), timed)).toMatch(/expected 1 timestamps, got 0/);
    expect(check(await unpromised({}), timed).signatures).toMatchObject([{ logEntries: 1 }]);
    // The time-stamp authority says now. The log entry says a time at which the certificate was valid.
    const certifiedAt = Date.parse('2026-01-01') / 1000;
    expect(reasonOf(await unpromised({ certifiedAt }), timed)).toMatch(/certificate chain/);
  });

  it('a signature by a key states how many entries of known logs prove it', () => {
    const bundle = sigstore.logged(parsed(bundleStatement(statement(), ours)));
    expect(check(bundle).signatures).toMatchObject([{ keyId: ours.id, logEntries: 1 }]);
    const { signatures } = verifyEvidence(image, [layerOf(bytesOf(bundle))], { keys: [ours], roots: [] });
    expect(signatures).toMatchObject([{ keyId: ours.id, logEntries: 0 }]);
  });

  it('a certificate with any changed bytes gives an answer', async () => {
    const text = JSON.stringify(await sigstore.sign(signing));
    const start = text.indexOf('rawBytes') + 11;
    fc.assert(
      fc.property(fc.nat(600), fc.nat(63), (offset, digit) => {
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
        const at = start + offset;
        const changed = text.slice(0, at) + (alphabet[digit] ?? 'A') + text.slice(at + 1);
        const { signatures } = verifyEvidence(image, [layerOf(Buffer.from(changed))], {
          keys: [],
          roots: [readTrustedRoot('public', sigstore.trustedRoot)],
        });
        for (const found of signatures) expect(found).toMatchObject({ certified: { subject, issuer } });
      }),
      { numRuns: 200 },
    );
  });
});

describe('a trusted root', () => {
  const type = 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';
  it.each([
    ['no JSON', 'x'],
    ['another document', '{"mediaType":"application/json"}'],
    ['an empty one', JSON.stringify({ mediaType: type })],
    [
      'an authority without a certificate',
      JSON.stringify({ mediaType: type, certificateAuthorities: [{ certChain: { certificates: [] } }] }),
    ],
    ['an authority of nothing', JSON.stringify({ mediaType: type, certificateAuthorities: [{}] })],
    [
      'invalid certificates',
      JSON.stringify({
        mediaType: type,
        certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: 'AAAA' }] } }],
      }),
    ],
    ['a log without a key', JSON.stringify({ mediaType: type, tlogs: [{}] })],
    [
      'a log with an invalid key',
      JSON.stringify({
        mediaType: type,
        tlogs: [{ publicKey: { rawBytes: 'AAAA' }, logId: { keyId: 'AAAA' } }],
      }),
    ],
    ['too large', JSON.stringify({ mediaType: type, a: randomBytes(100_000).toString('hex') })],
  ])('is refused with its reason: %s', (_title, text) => {
    try {
      readTrustedRoot('x', text);
      expect.unreachable();
    } catch (error) {
      expect(isFault(error, 'TRUSTED_ROOT_INVALID')).toBe(true);
    }
  });
});
