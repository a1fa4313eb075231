/** What the console and the API tell operators about all of this Ward. */
import type { OperatorSource } from '../../api/index.ts';
import type { Functions } from '../../functions/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import type { AdvisoriesAge } from '../advisories/age.ts';
import { buildInfo } from '../build-info.ts';
import type { Config } from '../config/config.ts';
import type { DiskStatus } from './disk-reserve.ts';

export interface OperatorParts {
  readonly config: Pick<Config, 'bus' | 'node'>;
  readonly store: Pick<Store, 'accepted' | 'clusterNodes' | 'keys' | 'namespaces'>;
  readonly namespaces: Pick<Functions['namespaces'], 'get'>;
  readonly advisories: () => AdvisoriesAge;
  readonly disk: () => DiskStatus;
}

export function createOperatorSource(parts: OperatorParts): OperatorSource {
  const { config, store, namespaces, advisories, disk } = parts;
  return {
    async overview() {
      const { nodeListOf } = await import('../admin/nodes.ts');
      const [nodes, count] = await Promise.all([nodeListOf(config, store), store.namespaces.count()]);
      const answer = { version: buildInfo.buildno, namespaces: count, ...nodes };
      return asJson({ ...answer, disk: disk(), advisories: advisories() });
    },
    async namespaces(page) {
      const [total, usage] = await Promise.all([store.namespaces.count(), store.namespaces.usage(page)]);
      const found = usage.map(async ({ name, ...rest }) => {
        const [{ createdAt }, further] = await Promise.all([namespaces.get(name), store.keys.list(name)]);
        return { name, createdAt, ...rest, keys: further.length + 1 };
      });
      return asJson({ total, namespaces: await Promise.all(found) });
    },
  };
}

/** Leaves out what is undefined. */
function asJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
