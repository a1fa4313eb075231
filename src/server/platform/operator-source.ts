/** What the console and the API tell operators about all of this Ward. */
import type { OperatorSource } from '../../api/index.ts';
import type { Functions } from '../../functions/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { explainPolicy, operatorPolicy } from '../../sandbox/index.ts';
import type { Store } from '../../store/index.ts';
import type { AdvisoriesAge } from '../advisories/age.ts';
import { buildInfo } from '../build-info.ts';
import type { Config } from '../config/config.ts';
import type { DiskStatus } from './disk-reserve.ts';

export interface OperatorParts {
  readonly config: Pick<Config, 'bus' | 'dataDir' | 'node' | 'sandbox'>;
  readonly store: Pick<Store, 'accepted' | 'clusterNodes' | 'keys' | 'namespaces' | 'violations'>;
  readonly namespaces: Pick<Functions['namespaces'], 'get'>;
  readonly quotas: Pick<Functions['quotas'], 'usage'>;
  readonly waivers: OperatorSource['waivers'];
  readonly advisories: () => AdvisoriesAge;
  readonly disk: () => DiskStatus;
}

export function createOperatorSource(parts: OperatorParts): OperatorSource {
  const { config, store, namespaces, quotas, waivers, advisories, disk } = parts;
  return {
    waivers,
    async overview() {
      const { nodeListOf } = await import('../admin/nodes.ts');
      const [nodes, count] = await Promise.all([nodeListOf(config, store), store.namespaces.count()]);
      const answer = { version: buildInfo.buildno, namespaces: count, ...nodes };
      return asJson({ ...answer, disk: disk(), advisories: advisories() });
    },
    async namespaces(page) {
      const [total, usage] = await Promise.all([store.namespaces.count(), store.namespaces.usage(page)]);
      const found = usage.map(async ({ name, ...rest }) => {
        const [{ createdAt, limits }, further, quota] = await Promise.all([
          namespaces.get(name),
          store.keys.list(name),
          quotas.usage(name),
        ]);
        return { name, createdAt, ...rest, keys: further.length + 1, limits, quota };
      });
      return asJson({ total, namespaces: await Promise.all(found) });
    },
    async isolation() {
      const { readDoctorNote } = await import('./doctor-note.ts');
      const doctor = (await readDoctorNote(config.dataDir)) ?? null;
      return asJson({ policy: explainPolicy({ policy: operatorPolicy(config.sandbox).defaults }), doctor });
    },
    async violations(query) {
      const [total, violations] = await Promise.all([
        store.violations.count(query),
        store.violations.list(query),
      ]);
      return asJson({ total, violations });
    },
  };
}

/** Leaves out what is undefined. */
function asJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
