/**
 * Maps a distribution and its release to OSV's names, and selects the advisories that cover the distribution of an image.
 */
import type { Distribution } from '../types.ts';

/** Selects the advisories for a distribution. */
interface ReleaseMatch {
  readonly ecosystem: string;
  /** The distribution names its release, or has no releases. */
  readonly isTold: boolean;
  accepts(release: string): boolean;
}

interface Family {
  readonly ecosystem: string;
  /** Spells OSV's suffix: `13`, `v3.20`, `24.04:LTS`, `enterprise_linux:9::baseos`. */
  spell(suffix: string): string;
  /** Spells `VERSION_ID`. */
  wanted(versionId: string): string;
}

const asIs = (text: string) => text;
const major = (text: string) => /^\d+/.exec(text)?.[0] ?? text;
const majorMinor = (text: string) => /^\d+\.\d+/.exec(text)?.[0] ?? text;

/** Branches of Alpine and of distributions that number like it. `3.21.0_alpha20240606` is not released yet. */
const alpineBranch = (text: string) => (/_alpha/.test(text) || text === '' ? 'edge' : majorMinor(text));
const rolling = { spell: () => '', wanted: () => '' };

const families: readonly Family[] = [
  // Debian unstable has no number.
  { ecosystem: 'Debian', spell: asIs, wanted: (id) => (id === '' ? 'sid' : debianRelease(id)) },
  // Other lines, as `Pro:FIPS-updates:22.04:LTS`, have packages of their own with other versions.
  {
    ecosystem: 'Ubuntu',
    spell: (text) => /^(?:Pro:)?(\d+\.\d+)(?::LTS)?$/.exec(text)?.[1] ?? text,
    wanted: majorMinor,
  },
  { ecosystem: 'Alpine', spell: (text) => text.replace(/^v(?=\d)/, ''), wanted: alpineBranch },
  { ecosystem: 'Wolfi', ...rolling },
  { ecosystem: 'Chainguard', ...rolling },
  { ecosystem: 'MinimOS', ...rolling },
  { ecosystem: 'Alpaquita', spell: asIs, wanted: asIs },
  {
    ecosystem: 'Red Hat',
    spell: (text) => /^enterprise_linux:(\d+)/.exec(text)?.[1] ?? text,
    wanted: major,
  },
  { ecosystem: 'Rocky Linux', spell: major, wanted: major },
  { ecosystem: 'AlmaLinux', spell: major, wanted: major },
  { ecosystem: 'openSUSE', spell: (text) => text.replace(/^Leap /, ''), wanted: asIs },
  // All products of a service pack count: `Linux Enterprise Module for Basesystem 15 SP5`.
  { ecosystem: 'SUSE', spell: suseRelease, wanted: (id) => id.replace(/^(1[0-5])\./, '$1 SP') },
  { ecosystem: 'Mageia', spell: major, wanted: major },
  { ecosystem: 'Photon OS', spell: asIs, wanted: asIs },
  { ecosystem: 'Azure Linux', spell: major, wanted: major },
  { ecosystem: 'openEuler', spell: asIs, wanted: asIs },
];

const rollingFamilies = new Set(['Wolfi', 'Chainguard', 'MinimOS']);
const familyOf = new Map(families.map((family) => [family.ecosystem, family]));

/** Maps `ID` of os-release to OSV's ecosystems. */
const ecosystemsOf = new Map<string, readonly string[]>([
  ['debian', ['Debian']],
  ['ubuntu', ['Ubuntu']],
  ['alpine', ['Alpine']],
  ['wolfi', ['Wolfi']],
  ['chainguard', ['Chainguard']],
  ['minimos', ['MinimOS']],
  ['alpaquita', ['Alpaquita']],
  ['rhel', ['Red Hat']],
  ['centos', ['Red Hat']],
  ['rocky', ['Rocky Linux']],
  ['almalinux', ['AlmaLinux']],
  ['opensuse-leap', ['openSUSE']],
  ['opensuse-tumbleweed', ['openSUSE']],
  ['sles', ['SUSE']],
  ['sle_hpc', ['SUSE']],
  ['mageia', ['Mageia']],
  ['photon', ['Photon OS']],
  ['azurelinux', ['Azure Linux']],
  ['mariner', ['Azure Linux']],
  ['openeuler', ['openEuler']],
]);

/** Maps code names of the Debian security tracker to releases. */
const debianReleases = new Map([
  ['squeeze', '6'],
  ['wheezy', '7'],
  ['jessie', '8'],
  ['stretch', '9'],
  ['buster', '10'],
  ['bullseye', '11'],
  ['bookworm', '12'],
  ['trixie', '13'],
  ['forky', '14'],
  ['duke', '15'],
]);

export function isDistributionEcosystem(osvEcosystem: string): boolean {
  return familyOf.has(osvEcosystem);
}

/** The stored spelling: `13`, `3.20`, `9`. Empty for all releases. */
export function spellRelease(osvEcosystem: string, suffix: string): string {
  return suffix === '' ? '' : (familyOf.get(osvEcosystem)?.spell(suffix) ?? '');
}

/** Maps `trixie` to `13`. An unknown code name (`sid`) stays. */
export function debianRelease(codename: string): string {
  return debianReleases.get(codename) ?? major(codename);
}

/** Empty when no source has advisories for this distribution. */
export function releaseMatches(distribution: Distribution | undefined): readonly ReleaseMatch[] {
  if (distribution === undefined) return [];
  return (ecosystemsOf.get(distribution.id) ?? []).map((ecosystem) => {
    const wanted = wantedRelease(distribution, ecosystem);
    const isTold = wanted !== '' || rollingFamilies.has(ecosystem);
    return { ecosystem, isTold, accepts: (release) => release === '' || release === wanted };
  });
}

function wantedRelease({ id, versionId }: Distribution, ecosystem: string): string {
  if (id === 'opensuse-tumbleweed') return 'Tumbleweed';
  return familyOf.get(ecosystem)?.wanted(versionId) ?? versionId;
}

function suseRelease(text: string): string {
  return /(\d+(?:\.\d+| SP\d+)?)(?:-[A-Z]+)*$/.exec(text)?.[1] ?? text;
}
