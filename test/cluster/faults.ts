/** The faults that a cluster under load must survive, one at a time. Each round ends with nodes that all serve. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Role } from './cluster.ts';
import { type LinkState, type WayName, wayNames } from './links.ts';
import { signal } from './orders.ts';
import type { ClusterSite } from './site.ts';

export interface ClusterFault {
  readonly name: string;
  /** Description for `--list`. */
  readonly what: string;
  /** It is none. */
  readonly isCalm?: boolean;
  /** Nodes that run actions have disks of this size. */
  readonly nodeDiskMiB?: number;
  /** Code must be removed while it is deployed. */
  readonly needsRestored?: boolean;
  /** One of the nodes is an invoker. */
  readonly hasInvoker?: boolean;
  round(site: ClusterSite, random: () => number): Promise<void>;
}

/** Shorter than the lease on accepted calls, and longer. */
const spells = { shortMs: 3000, longMs: 14_000 };
const clockMs = 60_000;
const calls = { few: 20, many: 150 };

export const clusterFaults: readonly ClusterFault[] = [
  { name: 'soak', what: 'only the load', isCalm: true, round: (site) => site.untilAnswers(calls.many) },
  killing('kill-node', 'SIGKILL of a node that runs actions', 'all'),
  killing('kill-api', 'SIGKILL of a node that only serves the API', 'api'),
  killing('kill-invoker', 'SIGKILL of a node that only runs actions', 'invoker'),
  {
    name: 'restart-node',
    what: 'SIGTERM of a node, and a new start',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const node = site.node(random() < 0.5 ? 'all' : 'api', random);
      await site.during(async () => {
        await site.during(() => site.stopNode(node));
        await node.start();
      }, node);
      await site.untilAllServe();
    },
  },
  {
    name: 'rolling-restart',
    what: 'each node in turn is drained, stopped and started, and no call fails',
    async round(site, random) {
      for (const node of site.cluster.nodes) {
        await site.untilRuns(1 + random() * calls.few);
        await site.replaceNode(node);
      }
    },
  },
  freezing('freeze-node', 'SIGSTOP of a node for some seconds', 'all'),
  freezing('freeze-api', 'SIGSTOP of a node that only serves the API', 'api'),
  freezing('freeze-invoker', 'SIGSTOP of a node that only runs actions', 'invoker'),
  freezing('sleep-node', 'SIGSTOP of a node until its lease has ended', 'all', spells.longMs),
  cutting('cut-node', 'a node loses all connections for some seconds', 'all', wayNames),
  cutting('cut-api', 'a node that only serves the API loses all connections', 'api', wayNames),
  cutting('cut-invoker', 'a node that only runs actions loses all connections', 'invoker', wayNames),
  cutting(
    'lose-node',
    'a node loses all connections until its lease has ended',
    'all',
    wayNames,
    spells.longMs,
  ),
  cutting('cut-bus', 'a node does not hear the bus', 'all', ['bus']),
  cutting('cut-store', 'a node does not reach PostgreSQL', 'all', ['store'], spells.longMs),
  cutting('cut-blobs', 'a node does not reach the S3-compatible store', 'all', ['blobs'], spells.longMs),
  lasting('no-blobs', 'the S3-compatible store ends and refuses all connections', async (site) => {
    setAll(site, 'refusing', 'blobs');
    await pause(spells.shortMs);
    setAll(site, 'open', 'blobs');
  }),
  lasting('freeze-blobs', 'SIGSTOP of the S3-compatible store', async ({ engines }) => {
    using _ = engines.moto.pause();
    await pause(spells.shortMs);
  }),
  {
    ...lasting('slow-engines', 'PostgreSQL and the S3-compatible store answer late', async (site) => {
      setAll(site, 'slow', 'store', 'blobs');
      await site.untilAnswers(calls.many);
      setAll(site, 'open', 'store', 'blobs');
    }),
    needsRestored: true,
  },
  lasting('kill-nats', 'SIGKILL of one server of NATS', async ({ engines, natsServers }, random) => {
    const index = Math.floor(random() * natsServers);
    await engines.nats.kill(index);
    await pause(spells.shortMs);
    await engines.nats.restart(index);
  }),
  lasting('freeze-nats', 'SIGSTOP of one server of NATS', async ({ engines, natsServers }, random) => {
    using _ = engines.nats.pause(Math.floor(random() * natsServers));
    await pause(spells.shortMs);
  }),
  lasting('no-nats', 'SIGKILL of all servers of NATS', async ({ engines, natsServers }) => {
    const all = Array.from({ length: natsServers }, (_, index) => index);
    for (const index of all) await engines.nats.kill(index);
    await pause(spells.shortMs);
    for (const index of all) await engines.nats.restart(index);
  }),
  lasting('kill-postgres', 'SIGKILL of PostgreSQL, and a new start', async ({ engines }, random) => {
    await engines.postgres.kill();
    await pause(random() * spells.shortMs);
    await engines.postgres.start();
  }),
  lasting('crash-postgres', 'PostgreSQL ends at once, and starts again', async ({ engines }, random) => {
    await engines.postgres.crash();
    await pause(random() * spells.shortMs);
    await engines.postgres.start();
  }),
  lasting('freeze-postgres', 'SIGSTOP of PostgreSQL', async (site, random) => {
    // The leases of all nodes can end.
    for (const _ of site.cluster.nodes) site.silence();
    using _ = site.engines.postgres.pause();
    await pause(random() < 0.5 ? spells.shortMs : spells.longMs);
  }),
  {
    name: 'fail-over',
    what: 'PostgreSQL ends at once, and its synchronous standby takes over',
    async round(site, random) {
      await site.engines.postgres.addStandby();
      await site.untilRuns(1 + random() * calls.few);
      await site.during(() => site.engines.postgres.failOver());
      await site.untilAllServe();
    },
  },
  lasting('full-store', 'the disk of PostgreSQL is full for some seconds', async ({ engines }) => {
    const free = await engines.postgres.fillDisk();
    await pause(spells.shortMs);
    await free();
  }),
  {
    ...lasting(
      'full-disk',
      'the disk of a node that runs actions is full for some seconds',
      async (site, random) => {
        const node = site.node('all', random);
        // What Ward frees is filled, too.
        for (const until = performance.now() + spells.shortMs; performance.now() < until; await pause(100))
          await node.fillDisk();
        await node.emptyDisk();
      },
    ),
    nodeDiskMiB: 256,
  },
  lasting('clocks', 'the clock of a node jumps by a minute, and back', async (site, random) => {
    const node = site.node(random() < 0.5 ? 'all' : 'api', random);
    await site.shiftClock(node, random() < 0.5 ? clockMs : -clockMs);
    await site.untilAnswers(calls.many);
    site.order(node, {});
  }),
];

/** A fault that lasts while `work` goes on. */
function lasting(
  name: string,
  what: string,
  work: (site: ClusterSite, random: () => number) => Promise<unknown>,
): ClusterFault {
  return {
    name,
    what,
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      await site.during(() => work(site, random));
      await site.untilAllServe();
    },
  };
}

function killing(name: string, what: string, role: Role): ClusterFault {
  return {
    name,
    what,
    hasInvoker: role === 'invoker',
    async round(site, random) {
      const moment = Math.floor(random() * 3);
      await site.untilRuns(1 + random() * calls.few);
      const node = site.node(role, random);
      // While an accepted call runs, right after an answer, or at any moment.
      if (moment === 0) await site.untilAcceptedRuns();
      if (moment === 1) await site.load.accepted();
      await site.during(async () => {
        await site.killNode(node);
        // Another one takes over, or this one comes back before.
        if (random() < 0.5) await site.untilAnswers(calls.few);
        await node.start();
      }, node);
      await site.untilAllServe();
    },
  };
}

function freezing(name: string, what: string, role: Role, ms = spells.shortMs): ClusterFault {
  const fault = lasting(name, what, async (site, random) => {
    const node = site.node(role, random);
    site.silence();
    signal(node, 'SIGSTOP');
    await pause(ms);
    signal(node, 'SIGCONT');
  });
  return { ...fault, hasInvoker: role === 'invoker' };
}

function cutting(
  name: string,
  what: string,
  role: Role,
  ways: readonly WayName[],
  ms = spells.shortMs,
): ClusterFault {
  const fault = lasting(name, what, async (site, random) => {
    const links = site.linksOf(site.node(role, random));
    site.silence();
    links.set('silent', ...ways);
    await pause(ms);
    links.set('open', ...ways);
  });
  return { ...fault, hasInvoker: role === 'invoker' };
}

function setAll(site: ClusterSite, state: LinkState, ...ways: readonly WayName[]): void {
  for (const node of site.cluster.nodes) site.linksOf(node).set(state, ...ways);
}
