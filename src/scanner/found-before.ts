/**
 * Finds the findings that the report of a base, or an earlier report, already has, so that a change is judged by what it
 * adds. In doubt, a finding counts as new.
 *
 * - A vulnerability is the same in another version of its package: an upgrade that does not fix it adds nothing.
 * - Malware is the same in the same layer, or with the same content at the same path. A malicious package is the same in
 *   the same version.
 * - A secret is the same if rule, path and redacted text are equal. If their number grows, the further ones are new.
 * - A misconfiguration is the same if rule, title and path are equal.
 */
import type { Finding, Malware, Report, Secret, Vulnerability } from './types.ts';

/** The findings that `earlier` also has, even if they were declared harmless there. Returns the same objects. */
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

/** For each part of a finding, its marks. A part was there before if one of its marks is known. */
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

/** If there are CVE ids, only those count: an advisory of a distribution covers several vulnerabilities at once. */
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

/** Counts secrets in each layer as well, because the redacted text does not identify a secret. */
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
