import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDirectly } from './direct.ts';
import { openStarter, type Starter } from './starter.ts';
import type { RuntimeCommand, StartRuntime } from './types.ts';

const command = (script: string, hasChannel = false): RuntimeCommand => ({
  argv: ['/bin/sh', '-c', script],
  cwd: '/',
  env: { PATH: '/usr/bin:/bin', WORD: 'hello' },
  hasChannel,
});

let starter: Starter;
beforeEach(async () => {
  starter = await openStarter();
});
afterEach(() => starter.close());

const ways: readonly [string, () => StartRuntime][] = [
  ['by the starter', () => starter.start],
  ['directly', () => startDirectly],
];

describe.each(ways)('a program started %s', (_, way) => {
  test('gets its input, environment, folder and channel, and its exit code is told', async () => {
    const script = 'cat; echo "$WORD $(pwd)"; echo wrong >&2; read -r line <&3; echo "got $line" >&3; exit 7';
    const { stdin, stdout, stderr, channel, exited } = await way()(command(script, true));
    stdin.end('input ');
    channel?.write('line\n');
    const said = await Promise.all([text(stdout), text(stderr), channel && text(channel)]);
    expect(said).toEqual(['input hello /\n', 'wrong\n', 'got line\n']);
    expect(await exited).toEqual([7, null]);
  });

  test('has streams that wait', async () => {
    const flags = await way()(
      command('cat /proc/self/fdinfo/0 /proc/self/fdinfo/1 /proc/self/fdinfo/3', true),
    );
    const { stdout } = flags;
    // O_NONBLOCK is octal 04000.
    const octal = [...(await text(stdout)).matchAll(/^flags:\s+(\d+)$/gm)].map(([, digits]) => digits ?? '');
    expect(octal).toHaveLength(3);
    for (const digits of octal) expect(Number.parseInt(digits, 8) & 0o4000).toBe(0);
  });

  test('passes megabytes in both directions', async () => {
    const { stdin, stdout } = await way()(command('cat'));
    const bytes = Buffer.alloc(4 * 1024 * 1024, 'ward');
    stdin.end(bytes);
    expect((await text(stdout)).length).toBe(bytes.length);
  });

  test('is killed', async () => {
    const { kill, exited } = await way()(command('exec sleep 600'));
    kill();
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  test('can not be one that is not there', async () => {
    await expect(way()({ ...command(''), argv: ['/nonexistent'] })).rejects.toThrow('ENOENT');
  });
});

test('what ran under a starter that dies counts as killed, and the next start has a new one', async () => {
  const first = await starter.start(command('echo $PPID; exec sleep 600'));
  const [line] = await once(first.stdout, 'data');
  process.kill(Number(String(line)), 'SIGKILL');
  expect(await first.exited).toEqual([null, 'SIGKILL']);
  const second = await starter.start(command('exit 3'));
  expect(await second.exited).toEqual([3, null]);
});

test('short programs are all seen to start and to end, however busy this process is', async () => {
  const runs = Array.from({ length: 20 }, () => starter.start(command('exit 5')));
  const busyUntil = performance.now() + 300;
  while (performance.now() < busyUntil);
  for (const run of await Promise.all(runs)) expect(await run.exited).toEqual([5, null]);
});

test('who does not know the secret gets nowhere', async () => {
  const running = await starter.start(command('echo $PPID; exec sleep 600'));
  const [line] = await once(running.stdout, 'data');
  const name = readFileSync(`/proc/${Number(String(line))}/cmdline`, 'utf8')
    .split('\0')
    .at(-2);
  for (const head of ['0 1 0\n', 'x'.repeat(1000)]) {
    const socket = connect(`\0${name}`);
    socket.on('error', () => {});
    socket.end(head);
    socket.resume();
    await once(socket, 'close');
  }
  running.kill();
  expect(await running.exited).toEqual([null, 'SIGKILL']);
});
