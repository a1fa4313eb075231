/** The server as `ward up` runs it, and the keeper beside it. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { cgroupsOf } from './cgroups.ts';
import { leftOvers } from './left-overs.ts';
import { missingForOneMachine } from './one-machine.ts';
import { expectNoRights, processesBelow } from './processes.ts';
import { missingForSandboxes, startWard, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? missingForOneMachine('the keeper and the server of one Ward');
const code = 'const main = () => ({ files: require("node:fs").readdirSync("/fn") })';

describe.skipIf(missing)(`the server’s process${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  beforeAll(async () => {
    ward = await Ward.start();
  });
  afterAll(() => ward?.[Symbol.asyncDispose]());

  const asServer = (...argv: string[]) => {
    const rights = [
      '--reuid=ward',
      '--regid=ward',
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set=-all',
    ];
    return runCommand(['setpriv', ...rights, '--inh-caps=-all', '--', ...argv]);
  };

  test('the server has no rights, and the keeper has no network', async () => {
    const [keeper, server] = processesBelow(ward.pid);
    await expectNoRights(server);
    const sockets = readdirSync(`/proc/${keeper.pid}/fd`)
      .map((fd) => readlinkSync(`/proc/${keeper.pid}/fd/${fd}`))
      .filter((target) => target.startsWith('socket:'))
      .map((target) => target.slice(8, -1));
    const inet = ['tcp', 'tcp6', 'udp', 'udp6'].map((file) =>
      readFileSync(`/proc/${keeper.pid}/net/${file}`, 'utf8'),
    );
    for (const inode of sockets) expect(inet.join('\n')).not.toContain(` ${inode} `);
  });

  test('the data is the server’s, and no one else can read it', async () => {
    const { stdout } = await runCommand(['find', ward.dataDir, '!', '-user', 'ward', '-printf', '%P\n']);
    // Except the code of running functions, where only root makes folders, and the configuration, which the test wrote.
    expect(stdout.split('\n').filter((name) => name !== '' && !/^(?:laid|config\.yaml)/.test(name))).toEqual(
      [],
    );
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    expect((await runCommand([...nobody, 'ls', ward.dataDir])).code).not.toBe(0);
  });

  test('can fill the folders of code, but not replace them', async () => {
    await ward.deploy('files', code);
    expect((await ward.invoke('files')).body.response.result).toEqual({ files: ['index.js'] });
    const [keeper] = processesBelow(ward.pid);
    const seen = `/proc/${keeper.pid}/root/run/ward/${ward.instance}/laid`;
    const [name] = readdirSync(seen).filter((each) => each !== 'work');
    // The path leads through the keeper's namespace, so root tries it with only the server's ids.
    const swap = `cd ${seen} && touch ${name}/more && rm ${name}/more && ! mv ${name} other && ! ln -s /etc planted`;
    const { code: exit, stderr } = await runCommand([
      ...['nsenter', `--target=${keeper.pid}`, '--mount', '--', 'setpriv', '--reuid=ward', '--regid=ward'],
      ...['--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--', 'sh', '-c'],
      swap.replaceAll(seen, `/run/ward/${ward.instance}/laid`),
    ]);
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
  });

  test('no other user reaches the sockets of the keeper', async () => {
    const path = `/run/ward/${ward.instance}/keeper/streams`;
    expect(existsSync(path)).toBe(true);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    expect(
      await runCommand([
        ...nobody,
        'perl',
        '-MIO::Socket::UNIX',
        '-e',
        `IO::Socket::UNIX->new(Peer => "${path}") or die "$!\\n"`,
      ]),
    ).toMatchObject({
      stderr: 'Permission denied\n',
    });
    // The server's user can connect but gets no further: it lacks the secret.
    const wrong = `my $s = IO::Socket::UNIX->new(Peer => "${path}") or die "$!\\n"; print $s "no secret 1 0\\n"; $s->flush; print defined(scalar <$s>) ? "said" : "closed"`;
    expect((await asServer('perl', '-MIO::Socket::UNIX', '-e', wrong)).stdout).toBe('closed');
    const abstract = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => / @.*ward/.test(line));
    expect(abstract).toEqual([]);
  });

  test.each([
    ['server', 1],
    ['keeper', 0],
  ] as const)('when the %s is killed, everything ends, and nothing is left', async (_, index) => {
    const other = await Ward.start();
    await other.deploy('waits', 'function main() { console.log("waits"); return new Promise(() => {}); }');
    const before = cgroupsOf(other.instance).length;
    const calls = [1, 2, 3].map(() => other.invoke('waits').catch(() => 'connection lost'));
    await other.until(() => cgroupsOf(other.instance).length >= before + calls.length);
    const victim = processesBelow(other.pid)[index];
    process.kill(victim.pid, 'SIGKILL');
    // No caller must get a failure: the next start records the outcome.
    expect(await Promise.all(calls)).toEqual(calls.map(() => 'connection lost'));
    expect(await other.ended()).not.toBe(0);
    expect(leftOvers(other).mounts).toEqual([]);
    await other[Symbol.asyncDispose]();
  });

  test('listens below 1024 with the one capability for it, and serves no console with --no-console', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'ward-low-'));
    const listen = `127.0.0.1:${await lowPort()}`;
    const child = startWard(['up', '--no-console', '--listen', listen, '--data', dataDir]);
    try {
      for await (const line of createInterface({ input: child.stdout as Readable }))
        if (/^ready/.test(line)) break;
      const [, server] = processesBelow(child.pid ?? 0);
      // CAP_NET_BIND_SERVICE is the tenth.
      expect(server.status).toMatchObject({ CapEff: '0000000000000400', CapBnd: '0000000000000400' });
      const statuses = ['/console/', '/console/session', '/api/v1'].map(
        async (path) => (await fetch(`http://${listen}${path}`)).status,
      );
      expect(await Promise.all(statuses)).toEqual([404, 404, 200]);
    } finally {
      child.kill();
      await once(child, 'exit');
      await rm(dataDir, { recursive: true });
    }
  });
});

/** A port that is free now. */
async function lowPort(): Promise<number> {
  for (let port = 1023; port > 600; port--) {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no port below 1024 is free');
}
