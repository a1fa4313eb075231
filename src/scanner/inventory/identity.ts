/**
 * Identifies the distribution. Anyone can change the two lines in os-release, so it also checks the package database and
 * other files. If they disagree, the installed packages win, and a gap reports it.
 */
import type { Distribution, Gap } from '../types.ts';
import { osReleasePaths } from './os-release.ts';
import type { FileEvidence, FoundPackage, StandingEvidence, Witness } from './types.ts';

interface IdentifiedSystem {
  readonly distribution: Distribution | undefined;
  readonly gaps: readonly Gap[];
}

export function identify(standing: readonly StandingEvidence[]): IdentifiedSystem {
  const { path, distribution: stated } = statedBy(standing) ?? {
    path: osReleasePaths[0],
    distribution: undefined,
  };
  const witness = witnessOf(standing);
  if (witness === undefined) return { distribution: stated, gaps: [] };
  const { id, versionId } = witness;
  if (stated === undefined) {
    return { distribution: { id, versionId, name: `${id} ${versionId}`.trim() }, gaps: [] };
  }
  if (stated.id === id && versionId === '') return { distribution: stated, gaps: [] };
  if (stated.id === id && stated.versionId === '') {
    return { distribution: { ...stated, versionId }, gaps: [] };
  }
  if (stated.id === id && branchOf(id, stated.versionId) === branchOf(id, versionId)) {
    return { distribution: stated, gaps: [] };
  }
  const reason =
    `it says ${stated.id} ${stated.versionId}`.trim() +
    `, but the installed packages are from ${`${id} ${versionId}`.trim()} (${witness.by})`;
  return { distribution: { id, versionId, name: stated.name }, gaps: [{ path, reason }] };
}

function statedBy(standing: readonly StandingEvidence[]): FileEvidence | undefined {
  return osReleasePaths
    .map((path) =>
      standing.find(({ evidence }) => evidence.path === path && evidence.distribution !== undefined),
    )
    .find((found) => found !== undefined)?.evidence;
}

/** The part of a version that os-release and packages are compared by: `13` of `13.1`, `3.20` of `3.20.3`. */
function branchOf(id: string, versionId: string): string {
  if (id === 'alpine') return /_alpha/.test(versionId) ? 'edge' : (/^\d+\.\d+/.exec(versionId)?.[0] ?? '');
  if (id === 'ubuntu') return versionId;
  if (id === 'openeuler') return versionId.replaceAll(/\D/g, '').slice(0, 4);
  return /^\d+/.exec(versionId)?.[0] ?? '';
}

function witnessOf(standing: readonly StandingEvidence[]): Witness | undefined {
  const packages = standing.flatMap(({ evidence }) => evidence.packages ?? []);
  const files = standing.flatMap(({ evidence }) => evidence.witness ?? []);
  const of = (ecosystem: string) => packages.filter((each) => each.ecosystem === ecosystem);
  return (
    debWitness(of('deb'), files) ??
    apkWitness(of('apk')) ??
    rpmWitness(of('rpm')) ??
    files.find(({ id }) => id === 'alpine')
  );
}

/** `base-files 13.8+deb13u1` means Debian 13, `12ubuntu4.6` means Ubuntu. `+deb13u2` occurs in versions of updates. */
function debWitness(packages: readonly FoundPackage[], files: readonly Witness[]): Witness | undefined {
  const base = packages.find(({ name }) => name === 'base-files')?.version;
  const by = `base-files ${base}`;
  if (base?.includes('ubuntu')) {
    return {
      by,
      ...files.find(({ id }) => id === 'ubuntu'),
      id: 'ubuntu',
      versionId: ubuntuRelease(packages, files),
    };
  }
  const debian = /^(\d+)(\.\d+)*(\+deb\d+u\d+)?$/.exec(base ?? '');
  const update = latestUpdate(packages);
  if (update !== undefined && Number(update.versionId) > Number(debian?.[1] ?? 0)) return update;
  if (debian === null) return undefined;
  // Before a release, base-files has no minor number and may belong to unstable.
  const isReleased = debian[2] !== undefined || debian[3] !== undefined;
  return { by, id: 'debian', versionId: isReleased ? (debian[1] ?? '') : '' };
}

function latestUpdate(packages: readonly FoundPackage[]): Witness | undefined {
  let latest: Witness | undefined;
  for (const { name, version, foreign } of packages) {
    const release = foreign ? undefined : /[+~]deb(\d{1,2})u\d/.exec(version)?.[1];
    if (release === undefined || Number(release) <= Number(latest?.versionId ?? 0)) continue;
    latest = { by: `${name} ${version}`, id: 'debian', versionId: release };
  }
  return latest;
}

/** Uses lsb-release, else the latest release in a version, such as `20240203~22.04.1`. */
function ubuntuRelease(packages: readonly FoundPackage[], files: readonly Witness[]): string {
  const told = files.find(({ id }) => id === 'ubuntu')?.versionId;
  if (told !== undefined) return told;
  const releases = packages.flatMap(
    ({ version }) => /(?:ubuntu\d*\.|~)(\d\d\.(?:04|10))(?!\d)/.exec(version)?.[1] ?? [],
  );
  return releases.sort().at(-1) ?? '';
}

function apkWitness(packages: readonly FoundPackage[]): Witness | undefined {
  const version = (name: string) => packages.find((each) => each.name === name)?.version;
  for (const id of ['wolfi', 'chainguard'] as const) {
    const found = version(`${id}-baselayout`);
    if (found !== undefined) return { by: `${id}-baselayout ${found}`, id, versionId: '' };
  }
  const release = version('alpine-release') ?? version('alpine-base');
  if (release === undefined) return undefined;
  return { by: `alpine-release ${release}`, id: 'alpine', versionId: release.replace(/-r\d+$/, '') };
}

const rpmVendors: readonly (readonly [RegExp, string])[] = [
  [/^red hat/i, 'rhel'],
  [/^centos/i, 'centos'],
  [/^rocky/i, 'rocky'],
  [/^almalinux/i, 'almalinux'],
  [/^oracle/i, 'ol'],
];
const distTags: ReadonlyMap<string, string> = new Map([
  ['fc', 'fedora'],
  ['amzn', 'amzn'],
  ['ph', 'photon'],
  ['oe', 'openeuler'],
  ['azl', 'azurelinux'],
  ['cm', 'mariner'],
  ['mga', 'mageia'],
]);

/** Uses the tag that most releases end in: `5.2-3.el9`. For `el`, the vendor of most packages decides. */
function rpmWitness(packages: readonly FoundPackage[]): Witness | undefined {
  const made = packages.filter(({ foreign }) => !foreign);
  const tagOf = ({ version }: FoundPackage) =>
    /\.(el|fc|amzn|ph|oe|azl|cm|mga)(\d+)[\w.+~]*$/.exec(version)?.slice(1, 3).join(' ');
  const tag = mostCommon(made.map(tagOf));
  if (tag === undefined) return undefined;
  const [kind = '', number = ''] = tag.split(' ');
  const by = `most packages have the tag .${kind}${number}`;
  if (kind !== 'el') {
    const versionId = kind === 'oe' ? `${number.slice(0, 2)}.${number.slice(2, 4)}` : number;
    return { by, id: distTags.get(kind) ?? kind, versionId };
  }
  const vendor = mostCommon(made.filter((each) => tagOf(each) === tag).map(({ supplier }) => supplier));
  const id = rpmVendors.find(([pattern]) => pattern.test(vendor ?? ''))?.[1];
  return id === undefined ? undefined : { by: `${by} and the vendor ${vendor}`, id, versionId: number };
}

function mostCommon(texts: readonly (string | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) if (text !== undefined) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
}
