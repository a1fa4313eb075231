import { existsSync, realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import { idsIn, packageFixesOf } from './package-fixes.ts';

test('ids in a changelog, each once', () => {
  const changelog = [
    'runc (1.1.15+ds1-2+deb13u1) trixie-security; urgency=high',
    '  * Fix CVE-2025-31133, CVE-2025-52565 (Closes: #1120140)',
    '  * CVE-2025-31133: further hardening. Not one: XCVE-2025-1 CVE-20-1',
  ].join('\n');
  expect(idsIn(changelog)).toEqual(['CVE-2025-31133', 'CVE-2025-52565']);
});

const runc = '/usr/sbin/runc';

test.skipIf(!existsSync(runc) || !existsSync('/usr/bin/dpkg-query'))('Debian’s runc', async () => {
  const fixes = await packageFixesOf(realpathSync(runc));
  // Fixed in 1.1.12; every later package keeps that part of the changelog.
  expect(fixes).toContain('CVE-2024-21626');
});

test('a file that belongs to no package has no fixes', async () => {
  expect(await packageFixesOf(import.meta.filename)).toEqual([]);
});
