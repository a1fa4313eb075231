import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { openStatement, predicateTypes, sealStatement, statementMediaType } from './attestations.ts';
import { openEnvelope, sealEnvelope } from './envelope.ts';
import { generateKeyPair, readSigningKey, readTrustedKey } from './keys.ts';
import { type Artifact, type ArtifactLayer, layersOf, referrerManifest } from './oci-documents.ts';
import { signManifest, verifySignatures } from './signatures.ts';

const pair = generateKeyPair('secret');
const ours = readSigningKey(pair.privateKey, 'secret');
const theirs = readSigningKey(generateKeyPair('x').privateKey, 'x');
const image = digestOf('image');
const code = (expected: string) => expect.objectContaining({ code: expected });

function layersIn({ blobs, manifest }: Artifact): readonly ArtifactLayer[] {
  return layersOf(manifest.content).map(({ digest, mediaType, annotations = {} }) => ({
    mediaType,
    annotations,
    content: blobs.find((blob) => blob.digest === digest)?.content ?? Buffer.alloc(0),
  }));
}

describe('keys', () => {
  it('are opened by their passphrase only, and by standard tools', () => {
    expect(readTrustedKey(pair.publicKey).id).toBe(ours.id);
    expect(createPrivateKey({ key: pair.privateKey, passphrase: 'secret' }).asymmetricKeyType).toBe('ec');
    expect(() => readSigningKey(pair.privateKey, 'wrong')).toThrow(code('KEY_LOCKED'));
    expect(() => readSigningKey(pair.privateKey, '')).toThrow(code('KEY_LOCKED'));
    expect(() => generateKeyPair('')).toThrow(code('KEY_INVALID'));
  });

  it('are encrypted differently each time', () => {
    expect(generateKeyPair('secret').privateKey).not.toBe(pair.privateKey);
    expect(pair.privateKey).toContain('BEGIN ENCRYPTED PRIVATE KEY');
  });

  it.each([
    ['RSA of 2048 bits', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, true],
    ['RSA of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, false],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey, true],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, true],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, false],
    ['X25519', generateKeyPairSync('x25519').publicKey, false],
  ])('%s', (_title, key, isTaken) => {
    const pem = key.export({ format: 'pem', type: 'spki' }).toString();
    if (isTaken) expect(readTrustedKey(pem).id).toMatch(/^[0-9a-f]{64}$/);
    else expect(() => readTrustedKey(pem)).toThrow(code('KEY_INVALID'));
  });

  it.each(['', 'nonsense', pair.privateKey, `${'x'.repeat(20_000)}`])('are not made of %s', (pem) => {
    expect(() => readTrustedKey(pem)).toThrow(code('KEY_INVALID'));
  });
});

describe('signatures', () => {
  const signed = signManifest(
    { digest: image, reference: 'team/app', annotations: { gate: 'passed' } },
    ours,
  );

  it('hold for their image and key', () => {
    expect(signed.tag).toBe(`${image.replace(':', '-')}.sig`);
    expect(verifySignatures(image, layersIn(signed), [theirs, ours])).toEqual({
      verified: [{ keyId: ours.id, logEntries: 0, reference: 'team/app', annotations: { gate: 'passed' } }],
      rejected: [],
    });
  });

  it('do not hold for another image, under another key, or without keys', () => {
    const reasons = (digest = image, keys = [ours]) =>
      verifySignatures(digest, layersIn(signed), keys).rejected.map(({ reason }) => reason);
    expect(reasons(digestOf('other'))).toEqual([`it is about another image, ${image}`]);
    expect(reasons(image, [theirs])).toEqual(['none of the keys made it']);
    expect(reasons(image, [])).toEqual(['none of the keys made it']);
  });

  it('are added to existing ones', () => {
    const both = signManifest(
      { digest: image, reference: 'team/app', annotations: {} },
      theirs,
      layersOf(signed.manifest.content),
    );
    expect(layersOf(both.manifest.content)).toHaveLength(2);
  });

  it('do not hold when a bit of the payload or of the signature changes', () => {
    const [layer] = layersIn(signed);
    if (layer === undefined) throw new Error('no layer');
    const [[name = '', text = ''] = []] = Object.entries(layer.annotations);
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), fc.boolean(), (place, bit, inPayload) => {
        const bytes = inPayload ? Buffer.from(layer.content) : Buffer.from(text, 'base64');
        const index = place % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        const changed = inPayload
          ? { ...layer, content: bytes }
          : { ...layer, annotations: { [name]: bytes.toString('base64') } };
        expect(verifySignatures(image, [changed], [ours]).verified).toEqual([]);
      }),
    );
  });

  it.each([
    ['no JSON', 'x'],
    ['another type', JSON.stringify({ critical: { type: 'atomic container signature' } })],
    ['too large', `"${'x'.repeat(100_000)}"`],
    ['too deep', '['.repeat(1000)],
  ])('over an invalid payload are rejected: %s', (_title, text) => {
    const content = Buffer.from(text);
    const annotations = { 'dev.cosignproject.cosign/signature': ours.sign(content).toString('base64') };
    const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
    const { verified, rejected } = verifySignatures(image, [{ mediaType, content, annotations }], [ours]);
    expect([verified, rejected.length]).toEqual([[], 1]);
  });

  it.each([
    '{}',
    'x',
    JSON.stringify({ schemaVersion: 2, layers: [{ mediaType: 'a', digest: 'x', size: 1 }] }),
  ])('are not looked for in %s', (text) => {
    expect(() => layersOf(Buffer.from(text))).toThrow(code('SIGNATURE_MALFORMED'));
  });
});

describe('attestations', () => {
  const statement = {
    subjects: [{ name: 'team/app', digest: image }],
    predicateType: predicateTypes.provenance,
    predicate: { a: 1 },
  };
  const envelope = sealStatement(statement, ours);

  it('are opened only by the keys that signed them', () => {
    expect(openStatement(envelope, [theirs, ours])).toEqual({ ...statement, keyId: ours.id });
    expect(openStatement(envelope, [theirs])).toBeUndefined();
  });

  it('are bound to their type', () => {
    const other = sealEnvelope('text/plain', Buffer.from('{}'), ours);
    expect(openEnvelope(other, [ours])?.payloadType).toBe('text/plain');
    expect(() => openStatement(other, [ours])).toThrow(code('SIGNATURE_MALFORMED'));
    const renamed = JSON.parse(other.toString());
    const retyped = Buffer.from(JSON.stringify({ ...renamed, payloadType: statementMediaType }));
    expect(openEnvelope(retyped, [ours])).toBeUndefined();
  });

  it.each(['', '{}', '{"payloadType":"a","payload":"*","signatures":[]}', '['.repeat(5000)])(
    'are not made of %s',
    (text) => {
      expect(() => openEnvelope(Buffer.from(text), [ours])).toThrow(code('SIGNATURE_MALFORMED'));
    },
  );

  it('are attached to an image by its digest', () => {
    const { manifest, tag, blobs } = referrerManifest({
      subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: image, size: 7 },
      artifactType: 'application/vnd.cyclonedx+json',
      content: '{"bomFormat":"CycloneDX"}',
      createdAt: '2026-01-01T00:00:00Z',
    });
    expect(tag).toBeUndefined();
    expect(JSON.parse(manifest.content.toString())).toMatchObject({
      artifactType: 'application/vnd.cyclonedx+json',
      subject: { digest: image, size: 7 },
      layers: [{ digest: blobs[0]?.digest, size: 25 }],
      config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2 },
    });
  });
});
