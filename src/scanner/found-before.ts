/**
 * Which findings were there before, by the report of a base or an earlier one: a change is judged by what it brings.
 * What can't be told apart from something new counts as new.
 *
 * - A vulnerability is the same in another version of its package: an upgrade that does not fix it brings nothing.
 * - Malware is the same in the same layer, or with the same content under the same path; a package in the same version.
 * - A secret is the same under its path by its rule and what is shown of it; one more of them is new.
 * - A misconfiguration is the same by its rule and its path.
 */
import type { Finding, Malware, Report, Secret, Vulnerability } from './types.ts';

/** Those of `findings` that `earlier` has too, whether they were declared harmless there or not: the same objects. */
export function foundBefore(findings: readonly Finding[], earlier: Report): ReadonlySet<Finding> {
  const then = [...earlier.findings, ...earlier.suppressed.map(({ finding }) => finding)];
  const isSecret = (finding: Finding) => finding.class === 'secret';
  const known = new Set(then.flatMap(marksOf).flat());
  const secrets = openSecrets(then.filter(isSecret));
  return new Set(
    findings.filter((finding) =>
      finding.class === 'secret'
        ? secrets.has(finding)
        : marksOf(finding).every((marks) => marks.some((mark) => known.has(mark))),
    ),
  );
}

/** For each part of a finding, the marks of which one has to be known. */
function marksOf(finding: Finding): readonly (readonly string[])[] {
  switch (finding.class) {
    case 'vulnerability':
      return [vulnerabilityMarks(finding)];
    case 'malware':
      return malwareMarks(finding);
    case 'misconfiguration': {
      const { id, title, places } = finding;
      const paths = places.length === 0 ? [''] : places.map(({ path }) => path);
      return paths.map((path) => [markOf('misconfiguration', id, title, path)]);
    }
    case 'secret':
      return [];
  }
}

/** Advisories of distributions stand for several vulnerabilities at once: where there are CVE ids, only those count. */
function vulnerabilityMarks({ id, aliases, component }: Vulnerability): readonly string[] {
  const ids = [id, ...aliases];
  const cves = ids.filter((each) => each.startsWith('CVE-'));
  const { ecosystem, name } = component;
  return (cves.length === 0 ? ids : cves).map((each) => markOf('vulnerability', each, ecosystem, name));
}

function malwareMarks({ id, component, contentDigest, places }: Malware): readonly (readonly string[])[] {
  if (component !== undefined) {
    const { ecosystem, name, version } = component;
    return [[markOf('package', id, ecosystem, name, version)]];
  }
  return places.map(({ path, layer }) => [
    ...(layer === undefined ? [] : [markOf('layer', id, path, layer)]),
    ...(contentDigest === undefined ? [] : [markOf('content', id, path, contentDigest)]),
  ]);
}

/** What is shown of a secret is not all of it, so how many there are counts as well: in one layer, or outside images. */
function openSecrets(then: readonly Finding[]): { has(secret: Secret): boolean } {
  const most = new Map<string, number>();
  const before = openCounts();
  for (const finding of then) {
    if (finding.class !== 'secret') continue;
    for (const { mark, count } of before.add(finding)) most.set(mark, Math.max(most.get(mark) ?? 0, count));
  }
  const now = openCounts();
  return {
    has: (secret) => now.add(secret).every(({ mark, count }) => count <= (most.get(mark) ?? 0)),
  };
}

function openCounts() {
  const counts = new Map<string, number>();
  return {
    add: ({ id, redacted, places }: Secret) =>
      places.map(({ path, layer }) => {
        const mark = markOf('secret', id, path, redacted);
        const inLayer = markOf(mark, layer ?? '');
        const count = (counts.get(inLayer) ?? 0) + 1;
        counts.set(inLayer, count);
        return { mark, count };
      }),
  };
}

function markOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
