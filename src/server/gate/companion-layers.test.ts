/** The shares of what the gate reads beside an image, when someone attaches too much. */
import { expect, test, vi } from 'vitest';
import { type Digest, digestOf } from '../../blobs/index.ts';
import { bundleMediaType, mostEvidence } from '../../gate/index.ts';
import { Fault, type Log, silentLog } from '../../lib/index.ts';
import { type CompanionsByOwner, companionLayers } from './companion-layers.ts';

const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
const mebibyte = 1024 * 1024;

interface Layer {
  readonly text: string;
  readonly size?: number;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Contents of a place; the size in a descriptor is only said. */
function place() {
  const contents = new Map<Digest, Buffer>();
  const put = (text: string): Digest => {
    const digest = digestOf(text);
    contents.set(digest, Buffer.from(text));
    return digest;
  };
  const read = vi.fn(async (digest: Digest) => {
    const content = contents.get(digest);
    if (content === undefined) throw new Fault('BLOB_NOT_FOUND', 'missing', `no blob ${digest}`);
    return content;
  });
  const warn = vi.fn<Log['warn']>();
  return {
    put,
    warn,
    manifest: (...layers: readonly Layer[]) =>
      put(
        JSON.stringify({
          schemaVersion: 2,
          layers: layers.map(
            ({ text, size = text.length, mediaType = bundleMediaType, annotations = {} }) => ({
              ...{ mediaType, digest: put(text), size, annotations },
            }),
          ),
        }),
      ),
    async texts(owners: CompanionsByOwner) {
      const blobs = { readManifest: read, readBlob: read };
      const layers = await companionLayers(owners, blobs, { ...silentLog, warn });
      return layers.map(({ content }) => Buffer.from(content).toString());
    },
  };
}

const many = (of: string, size?: number) =>
  Array.from({ length: mostEvidence }, (_, at): Layer => ({ text: `${of} ${at}`, ...(size && { size }) }));

test('small layers beyond the limit leave each namespace its share, and each of its repositories', async () => {
  const at = place();
  const crowd = ['a', 'b', 'c', 'd'].map((name) => [at.manifest(...many(name))]);
  const owned = [[at.manifest(...many('e'))], [at.manifest({ text: 'signature' })]];
  const texts = await at.texts([crowd, owned]);
  expect(texts).toHaveLength(mostEvidence);
  expect(texts).toContain('signature');
  const of = (names: string) =>
    texts.filter((text) => names.includes(text.slice(0, 1)) && text !== 'signature');
  expect([of('abcd').length, of('e').length]).toEqual([mostEvidence / 2, mostEvidence / 2 - 1]);
  for (const name of 'abcd') expect(of(name)).toHaveLength(mostEvidence / 8);
});

test('long layers leave the others theirs, even one that stands behind a long layer of its own', async () => {
  const at = place();
  const crowd = (name: string) => [[at.manifest(...many(name, 8 * mebibyte))]];
  const own = [[at.manifest({ text: 'attestation', size: 8 * mebibyte }, { text: 'signature' })]];
  const texts = await at.texts([crowd('a'), crowd('b'), own]);
  expect(texts).toContain('signature');
  expect(texts).toHaveLength(2);
});

test('equal layers count once, and signatures of one text by several signers each', async () => {
  const at = place();
  const by = (signature: string): Layer => ({
    ...{ text: 'payload', mediaType: simpleSigning, annotations: { signature } },
  });
  const one = at.manifest(by('a'), by('b'), by('a'));
  const two = at.manifest(by('b'), by('c'), { text: 'other', mediaType: 'text/plain' });
  expect(await at.texts([[[one], [two, one]], [[two]]])).toEqual(['payload', 'payload', 'payload']);
});

test('a manifest that can’t be read hides no other', async () => {
  const at = place();
  const broken = at.put('{');
  const missing = digestOf('missing');
  const whole = at.manifest({ text: 'signature' });
  expect(await at.texts([[[broken, missing, whole]]])).toEqual(['signature']);
  expect(at.warn.mock.calls.map(([about]) => about)).toMatchObject([
    { manifest: broken },
    { manifest: missing },
  ]);
});
