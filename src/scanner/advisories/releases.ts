/**
 * Distributions: how OSV names them and their releases, and which of those speak of the distribution that an image says it
 * has.
 */
import type { Distribution } from '../types.ts';

/** Which advisories count for a distribution. */
interface ReleaseMatch {
  readonly ecosystem: string;
  /** The distribution says which release it is, or has none. */
  readonly isTold: boolean;
  accepts(release: string): boolean;
}

interface Family {
  readonly ecosystem: string;
  /** Of OSV's suffix: `13`, `v3.20`, `24.04:LTS`, `enterprise_linux:9::baseos`. */
  spell(suffix: string): string;
  /** Of `VERSION_ID`. */
  wanted(versionId: string): string;
}

const asIs = (text: string) => text;
const major = (text: string) => /^\d+/.exec(text)?.[0] ?? text;
const majorMinor = (text: string) => /^\d+\.\d+/.exec(text)?.[0] ?? text;

/** Of Alpine and those who number like it; `3.21.0_alpha20240606` is what is not released yet. */
const alpineBranch = (text: string) => (/_alpha/.test(text) || text === '' ? 'edge' : majorMinor(text));
const rolling = { spell: () => '', wanted: () => '' };

const families: readonly Family[] = [
  // Unstable has no number.
  { ecosystem: 'Debian', spell: asIs, wanted: (id) => (id === '' ? 'sid' : debianRelease(id)) },
  { ecosystem: 'Ubuntu', spell: (text) => /\d+\.\d+/.exec(text)?.[0] ?? text, wanted: majorMinor },
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
  // `Linux Enterprise Module for Basesystem 15 SP5`: all products of a service pack.
  { ecosystem: 'SUSE', spell: suseRelease, wanted: (id) => id.replace(/^(1[0-5])\./, '$1 SP') },
  { ecosystem: 'Mageia', spell: major, wanted: major },
  { ecosystem: 'Photon OS', spell: asIs, wanted: asIs },
  { ecosystem: 'Azure Linux', spell: major, wanted: major },
  { ecosystem: 'openEuler', spell: asIs, wanted: asIs },
];

const rollingFamilies = new Set(['Wolfi', 'Chainguard', 'MinimOS']);
const familyOf = new Map(families.map((family) => [family.ecosystem, family]));

/** `ID` of os-release → OSV's ecosystems. */
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

/** Code names of the Debian security tracker. */
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

/** As it is stored: `13`, `3.20`, `9`. Empty for all releases. */
export function spellRelease(osvEcosystem: string, suffix: string): string {
  return suffix === '' ? '' : (familyOf.get(osvEcosystem)?.spell(suffix) ?? '');
}

/** `trixie` → `13`; a code name that is not known (`sid`) stays. */
export function debianRelease(codename: string): string {
  return debianReleases.get(codename) ?? major(codename);
}

/** None: nobody's advisories speak of this distribution. */
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
