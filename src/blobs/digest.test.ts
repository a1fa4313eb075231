import { describe, expect, it } from 'vitest';
import { digestHex, digestOf, isDigest, parseDigest } from './digest.ts';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digest', () => {
  it('equals that of sha256sum', () => {
    expect(digestOf('')).toBe(empty);
    expect(digestOf(Buffer.from('abc'))).toBe(
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('returns its hex for a file name', () => {
    expect(digestHex(parseDigest(empty))).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    '',
    'sha256:',
    empty.toUpperCase(),
    `${empty}0`,
    empty.slice(0, -1),
    `${empty}\n`,
    `sha512:${'0'.repeat(128)}`,
    `sha256:../../${'0'.repeat(58)}`,
  ])('refuses %j', (text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
  });
});
