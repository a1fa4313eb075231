/** Reports and findings for tests. */
import { type Digest, digestOf } from '../blobs/index.ts';
import type { Malware, Misconfiguration, Report, Secret, Severity, Vulnerability } from '../scanner/index.ts';

export const noon = Date.parse('2026-06-15T12:00:00Z');
export const dayMs = 86_400_000;

export function vulnerability(change: Partial<Vulnerability> = {}): Vulnerability {
  return {
    class: 'vulnerability',
    id: 'CVE-2021-23337',
    title: 'Command injection',
    severity: 'high',
    places: [{ path: 'app/node_modules/lodash/package.json' }],
    aliases: ['GHSA-35jh-r3h4-6jhm'],
    component: { ecosystem: 'npm', name: 'lodash', version: '4.17.15', purl: 'pkg:npm/lodash@4.17.15' },
    severitySource: 'ghsa',
    fixedIn: ['4.17.21'],
    status: 'affected',
    knownExploited: false,
    published: '2021-02-15T00:00:00Z',
    ...change,
  };
}

export function vulnerabilities(severity: Severity, count: number): readonly Vulnerability[] {
  return Array.from({ length: count }, (_, index) =>
    vulnerability({ id: `CVE-1-${severity}-${index}`, aliases: [], severity }),
  );
}

export function malware(id = 'miner-xmrig'): Malware {
  return {
    class: 'malware',
    id,
    title: 'A miner',
    severity: 'critical',
    places: [{ path: 'usr/bin/mysqld' }],
  };
}

export function secret(id = 'private-key', path = 'app/key.pem'): Secret {
  return { class: 'secret', id, title: 'A private key', severity: 'high', places: [{ path }], redacted: '…' };
}

export function misconfiguration(id = 'root-user'): Misconfiguration {
  return { class: 'misconfiguration', id, title: 'Root', severity: 'medium', places: [], advice: 'set USER' };
}

export interface ReportChange extends Partial<Omit<Report, 'inventory' | 'target'>> {
  readonly inventory?: Partial<Report['inventory']>;
  readonly target?: Partial<Report['target']>;
}

/** An image of Debian in which nothing is wrong. */
export function reportOf({ inventory, target, ...change }: ReportChange = {}): Report {
  const name = target?.name ?? 'registry.example/team/app:1';
  return {
    form: 1,
    target: { name, kind: 'image', digest: digestOf(name), ...target },
    scannedAt: new Date(noon).toISOString(),
    inventory: {
      distribution: { id: 'debian', versionId: '13', name: 'Debian 13', endOfLife: '2030-06-30' },
      components: [
        {
          ecosystem: 'npm',
          name: 'lodash',
          version: '4.17.15',
          purl: 'pkg:npm/lodash@4.17.15',
          places: [{ path: 'app/node_modules/lodash/package.json' }],
        },
      ],
      layers: ['a', 'b', 'c'].map((each) => ({ diffId: diffId(each) })),
      gaps: [],
      ...inventory,
    },
    findings: [],
    suppressed: [],
    advisories: { revision: 'r1', updatedAt: new Date(noon - dayMs).toISOString(), count: 10 },
    ...change,
  };
}

export function diffId(name: string): Digest {
  return digestOf(`layer ${name}`);
}
