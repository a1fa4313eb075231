import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startCommand } from '../lib/index.ts';
import { mostSockets, openSocketWatch, socketCounts } from './socket-watch.ts';

const countHere = () => socketCounts(readFileSync('/proc/self/net/protocols', 'utf8'));

test('counts the sockets of both families of TCP', () => {
  const text = [
    'protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em',
    'NETLINK   1112      5      -1   NI       0   no   kernel      n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n',
    'TCPv6     2552      2     149   no     320   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y',
    'TCP       2392     40     149   no     320   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y',
  ].join('\n');
  expect(socketCounts(text)).toEqual({ tcp: 42, netlink: 5 });
});

test('reads what this kernel writes', async () => {
  const server: Server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  expect(countHere().tcp).toBeGreaterThan(0);
});

test('reports only the network with too many netlink sockets, not one at the limit', async () => {
  using watch = openSocketWatch();
  const within = await networkWith(mostSockets.netlink);
  const over = await networkWith(mostSockets.netlink + 1);
  const told: string[] = [];
  const watched = (name: string, pid: number, onExcess = (_: string) => {}) =>
    watch.add({
      pids: () => [pid],
      onExcess: (why) => {
        told.push(name);
        onExcess(why);
      },
    });
  // One check looks at both, in this order.
  watched('within', within);
  const why = await new Promise<string>((resolve) => void watched('over', over, resolve));
  expect(why).toBe('33 netlink sockets, more than 32; no limit counts their memory');
  expect(told).toEqual(['over']);
});

/** Starts a process with that many sockets in its own network namespace. */
async function networkWith(sockets: number): Promise<number> {
  const program = `for (1..${sockets}) { socket($s[$_], 16, 3, 0) or die "$!\\n" } $| = 1; print "ready"; <STDIN>`;
  const child = startCommand(['unshare', '--map-root-user', '--net', '--', 'perl', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin:/bin' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout === null || child.pid === undefined) throw new Error('no process');
  await once(child.stdout, 'data');
  return child.pid;
}

test('a failed check is repeated, and ends neither the process nor the watch', async () => {
  using watch = openSocketWatch();
  let looks = 0;
  watch.add({
    pids() {
      looks++;
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    },
    onExcess: () => {},
  });
  await expect.poll(() => looks).toBeGreaterThan(2);
});
