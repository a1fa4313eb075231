/** What the console and the API tell operators about all of this Ward. */
import { availableParallelism } from 'node:os';
import type { OperatorSource } from '../../api/index.ts';
import type { InvokerStatus } from '../../dispatch/index.ts';
import { callFiguresMark, type Functions } from '../../functions/index.ts';
import { explainPolicy, operatorPolicy } from '../../sandbox/index.ts';
import type { Store } from '../../store/index.ts';
import type { NodeList, NodeView } from '../admin/nodes.ts';
import type { AdvisoriesAge } from '../advisories/age.ts';
import { buildInfo } from '../build-info.ts';
import { type NodeFigures, unfinishedAt } from '../cluster/node-figures.ts';
import type { Config } from '../config/config.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import type { DiskStatus } from './disk-reserve.ts';
import { createDiskUse } from './disk-use.ts';
import { keptData, ownRetention } from './kept-data.ts';

export interface OperatorParts {
  readonly config: Pick<
    Config,
    'audit' | 'blobs' | 'bus' | 'dataDir' | 'imagesDir' | 'node' | 'retention' | 'sandbox' | 'store'
  >;
  readonly store: Pick<
    Store,
    'accepted' | 'appliedMigrations' | 'clusterNodes' | 'keys' | 'namespaces' | 'usageSlots' | 'violations'
  >;
  readonly namespaces: Pick<Functions['namespaces'], 'get' | 'list'>;
  readonly quotas: Pick<Functions['quotas'], 'usage'>;
  readonly waivers: OperatorSource['waivers'];
  readonly policy: OperatorSource['policy'];
  /** Of the sandboxes of this process. */
  readonly status: () => InvokerStatus;
  readonly advisories: () => AdvisoriesAge;
  readonly disk: () => DiskStatus;
}

export function createOperatorSource(parts: OperatorParts): OperatorSource {
  const { config, store, namespaces, quotas, waivers, policy, status, advisories, disk } = parts;
  const nodeList = async (): Promise<NodeList> => {
    const { nodeListOf } = await import('../admin/nodes.ts');
    const list = await nodeListOf(config, store);
    if (list.isCluster) return list;
    // Its figures are in no database, and here they are known.
    return { ...list, nodes: list.nodes.map((node) => ({ ...node, figures: figuresHere(status()) })) };
  };
  const diskUse = createDiskUse({ config });
  return {
    waivers,
    policy,
    async overview() {
      const [nodes, count] = await Promise.all([nodeList(), store.namespaces.count()]);
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
    async disk() {
      return asJson({
        ...disk(),
        ...(await diskUse()),
        ...{ dataDir: config.dataDir, engine: config.store.engine, isInBucket: config.blobs !== undefined },
      });
    },
    async retention() {
      const own = (await namespaces.list()).flatMap(({ name, own }) => {
        const rule = ownRetention(own);
        return rule === undefined ? [] : [{ namespace: name, ...rule }];
      });
      return asJson({ kept: keptData(config), namespaces: own });
    },
    async advisories() {
      const { advisorySourcesIn } = await import('../../scanner/index.ts');
      const sources = advisorySourcesIn({ path: gatePaths(config.dataDir).advisories });
      return asJson({ ...advisories(), sources });
    },
    async queue({ skip, limit }) {
      const all = await store.accepted.countsByNamespace();
      const found = all.toSorted((one, other) => other.waiting - one.waiting || other.begun - one.begun);
      return asJson({ total: found.length, namespaces: found.slice(skip, skip + limit) });
    },
    async backup() {
      const { readLastBackup } = await import('../backup/last-backup.ts');
      const isElsewhere = config.store.engine === 'postgres' || config.blobs !== undefined;
      return asJson({
        dataDir: config.dataDir,
        isElsewhere,
        last: (await readLastBackup(config.dataDir)) ?? null,
      });
    },
    async database() {
      return asJson({ engine: config.store.engine, migrations: await store.appliedMigrations() });
    },
    async isolation() {
      const { readDoctor, readProve } = await import('./host-checks.ts');
      const [doctor, prove] = await Promise.all([readDoctor(config.dataDir), readProve(config.dataDir)]);
      return asJson({
        policy: explainPolicy({ policy: operatorPolicy(config.sandbox).defaults }),
        ...{ doctor: doctor?.last ?? null, doctorRuns: doctor?.runs ?? [] },
        ...{ prove: prove?.last ?? null, proveRuns: prove?.runs ?? [] },
      });
    },
    async news() {
      const [{ nodes, queue }, violations, calls] = await Promise.all([
        nodeList(),
        store.violations.count({}),
        callFiguresMark(store.usageSlots, Date.now()),
      ]);
      return {
        nodes: JSON.stringify([nodes.map(withoutAges), queue.waiting, queue.begun]),
        violations: String(violations),
        calls,
      };
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

function figuresHere({ queued, sandboxes, ...memory }: InvokerStatus): NodeFigures {
  const processors = availableParallelism();
  const load = Math.round((unfinishedAt({ queued, sandboxes }) / processors) * 100) / 100;
  return {
    upMs: Math.round(process.uptime() * 1000),
    invoker: {
      ...{ load, sandboxes, warm: sandboxes.idle, queued, ...memory, processors },
      isDraining: false,
    },
  };
}

/** Without what changes by itself. */
function withoutAges({ beatAgeMs: _, figures, ...node }: NodeView): object {
  const { upMs: __, invoker, ...rest } = figures ?? {};
  const { memoryUsedMiB: ___, ...told } = invoker ?? {};
  return { ...node, ...rest, invoker: told };
}

/** Leaves out what is undefined. */
function asJson<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
