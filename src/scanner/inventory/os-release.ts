/** Reads the distribution from os-release. Source: os-release(5): shell assignments, no expansion. */
import { linesOf } from './text.ts';
import type { Cataloger } from './types.ts';

/** The CPE name of an operating system, in either form. Source: NIST IR 7695. */
export const cpeName = /^cpe:(?:\/o(?::[\w.~%-]{0,60}){2,6}|2\.3:o(?::[\w.*-]{1,60}){10})$/;

/** The first one present counts. */
export const osReleasePaths = ['etc/os-release', 'usr/lib/os-release'] as const;

export const osReleaseCataloger: Cataloger = {
  name: 'os-release',
  revision: 3,
  wants: ({ path }) => path === osReleasePaths[0] || path === osReleasePaths[1],
  read: ({ content }) => {
    const values = new Map<string, string>();
    for (const line of linesOf(content)) {
      const match = /^\s*([A-Z0-9_]+)=(.*)$/.exec(line);
      if (match?.[1] !== undefined) values.set(match[1], unquoted(match[2] ?? ''));
    }
    const id = values.get('ID')?.toLowerCase();
    if (id === undefined || !/^[a-z0-9._-]{1,64}$/.test(id))
      return { gaps: ['it does not say which distribution it is'] };
    const versionId = (
      id === 'openeuler' ? openEulerRelease(values) : (values.get('VERSION_ID') ?? '')
    ).slice(0, 64);
    const name = (values.get('PRETTY_NAME') ?? values.get('NAME') ?? id).slice(0, 128);
    const cpe = values.get('CPE_NAME') ?? '';
    return { distribution: { id, versionId, name, ...(cpeName.test(cpe) && { cpe }) } };
  },
};

/**
 * Reads release files that distributions have beside os-release. Debian's own is left out, since it only repeats the
 * version of its package.
 */
export const releaseFilesCataloger: Cataloger = {
  name: 'release-files',
  revision: 1,
  wants: ({ path }) => path === 'etc/alpine-release' || path === 'etc/lsb-release',
  read: ({ path, content }) => {
    const text = content.toString('utf8', 0, 4096);
    const isUbuntu = /^DISTRIB_ID="?Ubuntu"?\s*$/m.test(text);
    const versionId = path.endsWith('alpine-release')
      ? /^\d+\.\d+[\w.]{0,40}/.exec(text)?.[0]
      : /^DISTRIB_RELEASE="?(\d\d\.\d\d)"?\s*$/m.exec(text)?.[1];
    if (versionId === undefined || (path.endsWith('lsb-release') && !isUbuntu)) return undefined;
    return { witness: { id: isUbuntu ? 'ubuntu' : 'alpine', versionId, by: `${path}: ${versionId}` } };
  },
};

/** `VERSION_ID` has no service pack. `VERSION` is `22.03 (LTS-SP1)`, and advisories use `22.03-LTS-SP1`. */
function openEulerRelease(values: ReadonlyMap<string, string>): string {
  const match = /^([\d.]+) \(([\w-]+)\)$/.exec(values.get('VERSION') ?? '');
  return match === null ? (values.get('VERSION_ID') ?? '') : `${match[1]}-${match[2]}`;
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  const quoted = /^(["'])(.*)\1$/.exec(trimmed)?.[2] ?? trimmed;
  return quoted.replaceAll(/\\([$"'`\\])/g, '$1');
}
