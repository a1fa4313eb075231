/**
 * A program for test/compositions.test.ts, started in its own network namespace with a Ward and a Redis. The Redis is
 * on "the internet", 203.0.113.10 (RFC 5737), and joins the parallel branches of a composition. Prints their results as
 * JSON.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import composer, { type Composition } from 'openwhisk-composer';
import composerClient from 'openwhisk-composer/client.js';
import { mustRun, runCommand, startCommand } from '../src/lib/index.ts';
import { Ward } from './ward.ts';

const address = '203.0.113.10';
const uri = `redis://${address}:6379`;

await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'ward-redis-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
await startRedis();
say('Redis answers');
const ward = stack.use(await Ward.start({ sandbox: { allow: { egress: 'public' } } }));
await ward.deploy('add', 'const main = ({ n = 0, by = 1 }) => ({ n: n + by })');
say('Ward serves');
const client = composerClient({ apihost: ward.url, api_key: ward.auth }, true);
const results = {
  parallel: await run(
    'both',
    composer.parallel(composer.action('add'), composer.sequence('add', 'add'), composer.literal({ n: 100 })),
    { n: 1 },
  ),
  map: await run('each', composer.map(composer.action('add')), { value: [{ n: 1 }, { n: 10, by: 5 }] }),
};
process.stdout.write(`${JSON.stringify(results)}\n`);

/** Shown when the test fails. */
function say(text: string): void {
  process.stderr.write(`${Math.round(performance.now())} ms: ${text}\n`);
}

async function run(name: string, composition: Composition, params: object): Promise<unknown> {
  const egress = [{ cidr: address, ports: [6379] }];
  await client.compositions.deploy(
    {
      name,
      ...composition.compile(),
      annotations: [{ key: 'egress', value: egress }],
    },
    true,
  );
  say(`${name} is deployed`);
  const { status, body } = await ward.invoke(name, { ...params, $composer: { redis: { uri } } });
  say(`${name} is answered ${status}`);
  return status === 200 ? body.response.result : body;
}

async function startRedis(): Promise<void> {
  const argv = ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--dir', folder];
  const redis = startCommand(['unshare', '--net', '--', ...argv], { stdio: 'ignore' });
  stack.defer(async () => {
    redis.kill('SIGTERM');
    if (redis.exitCode === null) await once(redis, 'exit');
  });
  const inside = ['nsenter', `--net=/proc/${redis.pid}/ns/net`, '--'];
  // It starts in this process's namespace and then enters its own, so ask until it answers there.
  const ask = [...inside, 'sh', '-c', 'ip link set lo up && redis-cli ping'];
  while ((await runCommand(ask)).stdout.trim() !== 'PONG')
    if (redis.exitCode !== null) throw new Error(`redis-server ended with ${redis.exitCode}`);
  await mustRun(['ip', 'link', 'set', 'lo', 'up']);
  await mustRun([
    'ip',
    'link',
    'add',
    'outside',
    'type',
    'veth',
    'peer',
    'name',
    'inside',
    'netns',
    String(redis.pid),
  ]);
  await mustRun(['ip', 'addr', 'add', '203.0.113.1/24', 'dev', 'outside']);
  await mustRun(['ip', 'link', 'set', 'outside', 'up']);
  await mustRun(['ip', 'route', 'add', 'default', 'via', address]);
  await mustRun([...inside, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'inside']);
  await mustRun([...inside, 'ip', 'link', 'set', 'inside', 'up']);
}
