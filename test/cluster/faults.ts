/** The faults that a cluster under load must survive, one at a time. Each round ends with nodes that all serve. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode, Role } from './cluster.ts';
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

/** Shorter than the lease on accepted calls, and longer, in the absence of `--spell`. */
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
        await pause(site.spellMs(0));
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
    await pause(site.spellMs(spells.shortMs));
    setAll(site, 'open', 'blobs');
  }),
  lasting('freeze-blobs', 'SIGSTOP of the S3-compatible store', async (site) => {
    using _ = site.engines.moto.pause();
    await pause(site.spellMs(spells.shortMs));
  }),
  {
    ...lasting('slow-engines', 'PostgreSQL and the S3-compatible store answer late', async (site) => {
      setAll(site, 'slow', 'store', 'blobs');
      await Promise.all([site.untilAnswers(calls.many), pause(site.spellMs(0))]);
      setAll(site, 'open', 'store', 'blobs');
    }),
    needsRestored: true,
  },
  {
    name: 'late-removals',
    what: 'the S3-compatible store removes layers after their nodes have given up, and a push has come',
    isCalm: true,
    round: (site) => site.pushBeforeRemoval(),
  },
  lasting('kill-nats', 'SIGKILL of one server of NATS', async (site, random) => {
    const { nats } = site.engines;
    const index = Math.floor(random() * site.natsServers);
    await nats.kill(index);
    await pause(site.spellMs(spells.shortMs));
    await nats.restart(index);
  }),
  lasting('freeze-nats', 'SIGSTOP of one server of NATS', async (site, random) => {
    using _ = site.engines.nats.pause(Math.floor(random() * site.natsServers));
    await pause(site.spellMs(spells.shortMs));
  }),
  lasting('no-nats', 'SIGKILL of all servers of NATS', async (site) => {
    const { nats } = site.engines;
    const all = natsOf(site);
    for (const index of all) await nats.kill(index);
    await pause(site.spellMs(spells.shortMs));
    for (const index of all) await nats.restart(index);
  }),
  {
    name: 'split-nats',
    what: 'a server of NATS and a node are cut off from the other servers of NATS and nodes',
    round: splitNats,
  },
  lasting('kill-postgres', 'SIGKILL of PostgreSQL, and a new start', async (site, random) => {
    const { postgres } = site.engines;
    await postgres.kill();
    await withoutStore(site, random() * spells.shortMs);
    await postgres.start();
  }),
  lasting('crash-postgres', 'PostgreSQL ends at once, and starts again', async (site, random) => {
    const { postgres } = site.engines;
    await postgres.crash();
    await withoutStore(site, random() * spells.shortMs);
    await postgres.start();
  }),
  lasting('freeze-postgres', 'SIGSTOP of PostgreSQL', async (site, random) => {
    using _ = site.engines.postgres.pause();
    await withoutStore(site, random() < 0.5 ? spells.shortMs : spells.longMs);
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
  lasting('full-store', 'the disk of PostgreSQL is full for some seconds', async (site) => {
    const free = await site.engines.postgres.fillDisk();
    await withoutStore(site, spells.shortMs);
    await free();
  }),
  {
    ...lasting(
      'full-disk',
      'the disk of a node that runs actions is full for some seconds',
      async (site, random) => {
        const node = site.node('all', random);
        // What Ward frees is filled, too.
        const until = performance.now() + site.spellMs(spells.shortMs);
        for (; performance.now() < until; await pause(100)) await node.fillDisk();
        await node.emptyDisk();
      },
    ),
    nodeDiskMiB: 256,
  },
  lasting('clocks', 'the clock of a node jumps by a minute, and back', async (site, random) => {
    const node = site.node(random() < 0.5 ? 'all' : 'api', random);
    await site.shiftClock(node, random() < 0.5 ? clockMs : -clockMs);
    await Promise.all([site.untilAnswers(calls.many), pause(site.spellMs(0))]);
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
        await pause(site.spellMs(0));
        // Another one takes over, or this one comes back before.
        if (random() < 0.5) await site.untilAnswers(calls.few);
        await node.start();
      }, node);
      await site.untilAllServe();
    },
  };
}

function freezing(name: string, what: string, role: Role, ms = spells.shortMs): ClusterFault {
  return striking(name, what, role, async (site, node) => {
    signal(node, 'SIGSTOP');
    await pause(site.spellMs(ms));
    signal(node, 'SIGCONT');
  });
}

function cutting(
  name: string,
  what: string,
  role: Role,
  ways: readonly WayName[],
  ms = spells.shortMs,
): ClusterFault {
  return striking(name, what, role, async (site, node) => {
    const links = site.linksOf(node);
    links.set('silent', ...ways);
    await pause(site.spellMs(ms));
    links.set('open', ...ways);
  });
}

/** A fault of one node, which the others may not hear meanwhile. */
function striking(
  name: string,
  what: string,
  role: Role,
  work: (site: ClusterSite, node: ClusterNode) => Promise<unknown>,
): ClusterFault {
  return {
    name,
    what,
    hasInvoker: role === 'invoker',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const node = site.node(role, random);
      site.silence();
      await site.strike(node, () => work(site, node));
      await site.untilAllServe();
    },
  };
}

/** Lets the time pass for which PostgreSQL is away. The leases of all nodes can end meanwhile. */
async function withoutStore(site: ClusterSite, usualMs: number): Promise<void> {
  const ms = site.spellMs(usualMs);
  if (ms > spells.shortMs) for (const _ of site.cluster.nodes) site.silence();
  await pause(ms);
}

/**
 * Each side has a server of NATS and a node, which loses its connection if it is to a server of the other side. The ways
 * are broken in silence, or end. Once each node has found its side, calls fail only through one that has no invoker there.
 */
async function splitNats(site: ClusterSite, random: () => number): Promise<void> {
  await site.untilRuns(1 + random() * calls.few);
  const state: LinkState = random() < 0.5 ? 'silent' : 'refusing';
  const apart = [Math.floor(random() * site.natsServers)];
  const rest = natsOf(site).filter((index) => !apart.includes(index));
  const lonely = site.node(random() < 0.5 ? 'all' : 'api', random);
  const sides = site.cluster.nodes.map((node) => {
    const [own, others] = node === lonely ? [apart, rest] : [rest, apart];
    return { links: site.linksOf(node), own, others };
  });
  const set = (to: LinkState) => {
    site.routes.set(to, apart);
    for (const { links, others } of sides) links.setBuses(to, others);
  };
  site.silence();
  await site.during(async () => {
    set(state);
    const areApart = () => sides.every(({ links, own }) => links.usesBus(own));
    await site.until(areApart, 'a node does not find the server of NATS on its side');
  });
  const last = async () => {
    await pause(site.spellMs(spells.shortMs));
    set('open');
    await site.until(() => site.routes.areWhole, 'the servers of NATS do not find each other');
  };
  await (lonely.role === 'api' ? site.strike(lonely, last) : last());
  await site.untilAllServe();
}

function natsOf(site: ClusterSite): readonly number[] {
  return Array.from({ length: site.natsServers }, (_, index) => index);
}

function setAll(site: ClusterSite, state: LinkState, ...ways: readonly WayName[]): void {
  for (const node of site.cluster.nodes) site.linksOf(node).set(state, ...ways);
}
