/** The faults that a Ward under load must survive, one at a time. Each round begins and ends with a serving Ward. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { mustRun } from '../../src/lib/index.ts';
import { processesBelow } from '../processes.ts';
import { runWard } from '../ward.ts';
import { alarmMarker } from './evidence.ts';
import type { Site } from './site.ts';

export interface Fault {
  readonly name: string;
  /** Description for `--list`. */
  readonly what: string;
  /** Size of a separate disk for the data folder. */
  readonly diskMiB?: number;
  round(site: Site, random: () => number): Promise<void>;
}

/** Duration of a condition that Ward must survive. */
const spellMs = 2500;
const hourMs = 3_600_000;
const calls = { few: 30, many: 200 };

export const faults: readonly Fault[] = [
  {
    name: 'soak',
    what: 'only the load',
    round: (site) => site.untilAnswers(calls.many),
  },
  killing('kill', 'SIGKILL of the outermost process', (site) => site.ward.pid),
  killing('kill-server', 'SIGKILL of only the server', (site) => halvesOf(site).server),
  killing('kill-keeper', 'SIGKILL of only the keeper', (site) => halvesOf(site).keeper),
  {
    name: 'restart',
    what: 'SIGTERM and a new start',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      await site.stop();
      await site.startAgain();
    },
  },
  {
    name: 'full-disk',
    what: 'the disk is full for some seconds',
    diskMiB: 192,
    async round(site) {
      await site.untilAnswers(calls.few);
      const until = performance.now() + spellMs;
      while (performance.now() < until) {
        await site.disk.fill();
        await pause(50);
      }
      await site.disk.empty();
      await site.untilServing();
    },
  },
  {
    name: 'read-only',
    what: 'all writes to files and to the database fail with EROFS for some seconds',
    async round(site) {
      await site.untilAnswers(calls.few);
      await site.during({ faults: { share: 1, codes: ['EROFS'], onlyWrites: true, seed: 1 } }, spellMs);
      await site.untilServing();
    },
  },
  {
    name: 'io-errors',
    what: 'every place in the sources that uses a file, the database or a child gets EIO, EMFILE, ENOSPC and EROFS',
    async round(site, random) {
      const seed = Math.floor(random() * 2 ** 31);
      await site.untilAnswers(calls.few);
      const codes = ['EIO', 'EMFILE', 'ENOSPC', 'EROFS'];
      await site.during({ faults: { share: 0.2, codes, timesEach: 1, seed } }, spellMs * 2);
      const enough = site.runs().length + 10;
      const isDecided = () => site.ward.hasEnded() || site.runs().length >= enough;
      await site.until(isDecided, 'the server does not serve again, and does not end');
      if (!site.ward.hasEnded()) return;
      // Ward's last-resort handler has ended it.
      const code = await site.ward.ended();
      if (code !== 1) site.complaints.push(`I/O errors gave exit code ${code}`);
      await site.untilGone();
      await site.startAgain();
    },
  },
  {
    name: 'hand-over',
    what: 'ward up --take-over, while the load goes on',
    async round(site, random) {
      await site.untilRuns(1 + random() * calls.few);
      await site.handOver();
    },
  },
  clockSet('clock-back', -hourMs),
  clockSet('clock-forward', hourMs),
  {
    name: 'descriptors',
    what: 'the server can open only four more files for some seconds',
    async round(site) {
      await site.untilAnswers(calls.few);
      const { server } = halvesOf(site);
      const hard = Number(
        /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${server}/limits`, 'utf8'))?.[1],
      );
      // As the server's user, who needs no privilege for it.
      const limit = (soft: number) =>
        mustRun([
          ...['setpriv', '--reuid=ward', '--regid=ward', '--clear-groups', 'prlimit'],
          ...[`--pid=${server}`, `--nofile=${soft}:${hard}`],
        ]);
      await limit(readdirSync(`/proc/${server}/fd`).length + 4);
      await pause(spellMs);
      await limit(hard);
      await site.untilServing();
    },
  },
  pausing('paused-server', (site) => halvesOf(site).server),
  pausing('paused-keeper', (site) => halvesOf(site).keeper),
  {
    name: 'followers',
    what: 'followers hang up before and while their streams run, then SIGTERM',
    async round(site) {
      await site.untilAnswers(calls.few);
      const ids = site.load.answers.flatMap(({ activationId }) => activationId ?? []);
      for (const id of ids.slice(-30)) await hangUp(site, id);
      await site.stop();
      await site.startAgain();
    },
  },
  {
    name: 'no-database',
    what: 'the database is missing at a start, and comes back',
    async round(site) {
      await site.untilAnswers(calls.few);
      await site.stop();
      const files = readdirSync(site.pathOf('state'));
      const key = await stat(site.pathOf('guest.auth'));
      await rename(site.pathOf('state'), site.pathOf('../state-away'));
      const { code } = await runWard(['up', '--listen', '127.0.0.1:0', '--data', site.dataDir], {
        timeoutMs: 20_000,
      });
      if (code === 0 || code === null) site.complaints.push('a Ward started without its database');
      if ((await stat(site.pathOf('guest.auth'))).mtimeMs !== key.mtimeMs)
        site.complaints.push('a key was written over');
      if (files.length === 0) site.complaints.push('there was no database');
      await mustRun(['rm', '-rf', site.pathOf('state')]);
      await rename(site.pathOf('../state-away'), site.pathOf('state'));
      await site.startAgain();
    },
  },
];

/** Faults that `npm test` runs, on one server each. The others have tests of their own (docs/operations.md). */
export const shortRuns = [
  ['soak', 'restart', 'kill', 'kill-server', 'kill-keeper'],
  ['paused-server', 'paused-keeper', 'read-only', 'io-errors'],
] as const;

/** Finds faults by name. @throws Error when a fault does not exist */
export function faultOf(...names: readonly string[]): Fault {
  const chosen = names.map((name) => {
    const fault = faults.find((each) => each.name === name);
    if (fault === undefined) throw new Error(`there is no fault ${name}`);
    return fault;
  });
  return {
    name: names.join(', '),
    what: chosen.map(({ what }) => what).join('; '),
    async round(site, random) {
      for (const fault of chosen) await fault.round(site, random);
    },
  };
}

function killing(name: string, what: string, victim: (site: Site) => number): Fault {
  return {
    name,
    what,
    async round(site, random) {
      const moment = Math.floor(random() * 3);
      await site.untilRuns(10 + random() * calls.few);
      const pid = victim(site);
      // While an accepted call runs, right after an answer, or at any moment.
      if (moment === 0) await site.untilAcceptedRuns();
      if (moment === 1) await site.load.accepted();
      site.kill(pid);
      await site.ward.ended();
      await site.untilGone();
      await site.startAgain();
    },
  };
}

function pausing(name: string, victim: (site: Site) => number): Fault {
  return {
    name,
    what: 'Ward is stopped (SIGSTOP) for some seconds',
    async round(site) {
      await site.untilAnswers(calls.few);
      const pid = victim(site);
      process.kill(pid, 'SIGSTOP');
      await pause(spellMs);
      process.kill(pid, 'SIGCONT');
      await site.untilServing();
    },
  };
}

/** Shifts the clock of the server and its keeper. The alarm goes on, and catches up an hour at once. */
function clockSet(name: string, clockMs: number): Fault {
  return {
    name,
    what: `the clock jumps by ${clockMs / hourMs} h and back`,
    async round(site) {
      await site.untilAnswers(calls.few);
      for (const shift of [clockMs, 0]) {
        site.order({ clockMs: shift });
        const before = ticksOf(site);
        await site.until(() => ticksOf(site) >= before + 3, 'the alarm is silent');
        await site.untilAnswers(calls.few);
      }
    },
  };
}

function ticksOf(site: Site): number {
  return site.runs().filter(({ marker }) => marker === alarmMarker).length;
}

function halvesOf(site: Site): { readonly keeper: number; readonly server: number } {
  const [keeper, server] = processesBelow(site.ward.pid);
  return { keeper: keeper.pid, server: server.pid };
}

async function hangUp(site: Site, id: string): Promise<void> {
  const { hostname, port } = new URL(site.ward.url);
  const key = Buffer.from(site.ward.auth).toString('base64');
  const path = `/api/v1/namespaces/_/activations/${id}/stream`;
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  await new Promise<void>((resolve) => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ward\r\nAuthorization: Basic ${key}\r\n\r\n`, () =>
      resolve(),
    );
  });
  socket.destroy();
}
