/** The faults that a cluster under load must survive, one at a time. Each round ends with nodes that all serve. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Role } from './cluster.ts';
import { type EngineName, engineNames, type LinkState } from './links.ts';
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
  freezing('freeze-node', 'SIGSTOP of a node for some seconds', spells.shortMs),
  freezing('sleep-node', 'SIGSTOP of a node until its lease has ended', spells.longMs),
  cutting('cut-node', 'a node loses all connections for some seconds', spells.shortMs, engineNames),
  cutting('lose-node', 'a node loses all connections until its lease has ended', spells.longMs, engineNames),
  cutting('cut-bus', 'a node does not hear the bus', spells.shortMs, ['bus']),
  cutting('cut-store', 'a node does not reach PostgreSQL', spells.longMs, ['store']),
  cutting('no-blobs', 'the S3-compatible store refuses every node', spells.shortMs, ['blobs'], 'refusing'),
  {
    name: 'kill-nats',
    what: 'SIGKILL of one server of NATS',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const index = Math.floor(random() * site.natsServers);
      await site.during(async () => {
        await site.engines.nats.kill(index);
        await pause(spells.shortMs);
        await site.engines.nats.restart(index);
      });
      await site.untilAllServe();
    },
  },
  {
    name: 'freeze-nats',
    what: 'SIGSTOP of one server of NATS',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      await site.during(async () => {
        using _ = site.engines.nats.pause(Math.floor(random() * site.natsServers));
        await pause(spells.shortMs);
      });
      await site.untilAllServe();
    },
  },
  {
    name: 'no-nats',
    what: 'SIGKILL of all servers of NATS',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const all = Array.from({ length: site.natsServers }, (_, index) => index);
      await site.during(async () => {
        for (const index of all) await site.engines.nats.kill(index);
        await pause(spells.shortMs);
        for (const index of all) await site.engines.nats.restart(index);
      });
      await site.untilAllServe();
    },
  },
  {
    name: 'crash-postgres',
    what: 'PostgreSQL ends at once, and starts again',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      await site.during(async () => {
        await site.engines.postgres.crash();
        await pause(random() * spells.shortMs);
        await site.engines.postgres.start();
      });
      await site.untilAllServe();
    },
  },
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
  {
    name: 'full-store',
    what: 'the disk of PostgreSQL is full for some seconds',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      await site.during(async () => {
        const free = await site.engines.postgres.fillDisk();
        await pause(spells.shortMs);
        await free();
      });
      await site.untilAllServe();
    },
  },
  {
    name: 'full-disk',
    what: 'the disk of a node that runs actions is full for some seconds',
    nodeDiskMiB: 256,
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const node = site.node('all', random);
      await site.during(async () => {
        // What Ward frees is filled, too.
        for (const until = performance.now() + spells.shortMs; performance.now() < until; await pause(100))
          await node.fillDisk();
        await node.emptyDisk();
      });
      await site.untilAllServe();
    },
  },
  {
    name: 'clocks',
    what: `the clock of a node jumps by a minute, and back`,
    async round(site, random) {
      const node = site.node(random() < 0.5 ? 'all' : 'api', random);
      await site.during(async () => {
        site.order(node, { clockMs: random() < 0.5 ? clockMs : -clockMs });
        await site.untilAnswers(calls.many);
        site.order(node, {});
      });
      await site.untilAllServe();
    },
  },
];

function killing(name: string, what: string, role: Role): ClusterFault {
  return {
    name,
    what,
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

function freezing(name: string, what: string, ms: number): ClusterFault {
  return {
    name,
    what,
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const node = site.node(random() < 0.7 ? 'all' : 'api', random);
      site.silence();
      await site.during(async () => {
        signal(node, 'SIGSTOP');
        await pause(ms);
        signal(node, 'SIGCONT');
      });
      await site.untilAllServe();
    },
  };
}

function cutting(
  name: string,
  what: string,
  ms: number,
  engines: readonly EngineName[],
  state: LinkState = 'silent',
): ClusterFault {
  return {
    name,
    what,
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      const one = site.node(random() < 0.7 ? 'all' : 'api', random);
      const nodes = state === 'silent' ? [one] : site.cluster.nodes;
      site.silence();
      await site.during(async () => {
        for (const node of nodes) site.linksOf(node).set(state, ...engines);
        await pause(ms);
        for (const node of nodes) site.linksOf(node).set('open', ...engines);
      });
      await site.untilAllServe();
    },
  };
}
