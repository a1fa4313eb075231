/** Pairs of the operator's files beside those that an authority issued. */
import { expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';
import { openCertificates } from './certificates.ts';
import { expiryOf, type KeyPair } from './key-pair.ts';

test('pairs that an authority issued come first; a pair that can’t be used leaves all as they are', async () => {
  await using authority = await makeAuthority();
  const short = `${new Date(Date.now() + 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
  const issued = await authority.issue(['issued.example']);
  const given = await authority.issue(['given.example'], short);
  const later = await authority.issue(['later.example']);
  const renew = vi.fn((_pairs: readonly KeyPair[]) => {});
  const front = { renew, protect: vi.fn(), leave: vi.fn(), end: vi.fn() };
  const first = { issued: [issued], given: [given], domains: [] };
  const certificates = openCertificates(first, { front, log: silentLog });
  expect(certificates.until()).toEqual(expiryOf(given.cert));
  expect(['issued.example', 'given.example', 'other.example'].map(certificates.covers)).toEqual([
    ...[true, true, false],
  ]);

  certificates.renew({ given: [later] });
  expect(renew).toHaveBeenLastCalledWith([issued, later]);
  expect(certificates.covers('given.example')).toBe(false);

  renew.mockImplementationOnce(() => {
    throw new Error('no');
  });
  certificates.renew({ issued: [given] });
  expect(certificates.covers('issued.example')).toBe(true);
  certificates.renew({ given: [] });
  expect(renew).toHaveBeenLastCalledWith([issued]);
});
