/** The first program of the lab: makes the networks and runs sandboxes on request. See `egress-lab.ts`. */
import { once } from 'node:events';
import { chmod, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEgress } from '../../egress/index.ts';
import { messageOf, mustRun, randomHex, runCommand, silentLog, startCommand } from '../../lib/index.ts';
import { boundPolicy } from '../bound.ts';
import { operatorPolicy, operatorPolicySchema } from '../operator.ts';
import { openSandboxHost } from '../sandbox-host.ts';
import type { Sandbox } from '../types.ts';
import type { LabOrder, LabOutcome, LabProgram, Zone } from './egress-lab.ts';
import { makeTestRoot } from './root.ts';

/**
 * Settings that a new network namespace inherits from the machine and that the tests rely on: Docker or an operator may
 * have changed them.
 */
const settings = `set -e
set_to() { if [ -e "/proc/sys/net/$1" ]; then echo "$2" >"/proc/sys/net/$1"; fi; }
set_to ipv4/ip_forward 0
set_to ipv4/conf/all/rp_filter 0
set_to ipv4/conf/default/rp_filter 0
set_to ipv6/conf/all/disable_ipv6 0
set_to ipv6/conf/default/disable_ipv6 0
set_to ipv6/conf/all/forwarding 0`;

const dir = await mkdtemp(join(tmpdir(), 'ward-lab-'));
// Others may enter it: the root user of a sandbox has another id outside.
await chmod(dir, 0o711);
const internetPath = join(dir, 'internet');
const internet = await makeNetworks();
const root = await makeTestRoot();
const violations = new Map<string, string[]>();
const staying: Sandbox[] = [];
const host = await openSandboxHost({
  instance: `lab-${randomHex(4)}`,
  runDir: join(dir, 'run'),
  runtime: 'crun',
  log: silentLog,
  onViolation: (id, { kind, detail }) => {
    if (kind === 'egress') violations.set(id, [...(violations.get(id) ?? []), detail]);
  },
});

// A service at all addresses of the host, which no sandbox may reach.
const service = createServer((socket) => socket.on('error', () => {}).end('the host\n')).listen(8088, '::');
await once(service, 'listening');

process.on('message', (order: LabOrder) => {
  void perform(order).then(
    (value) => process.send?.({ id: order.id, value }),
    (error: unknown) => process.send?.({ id: order.id, error: messageOf(error) }),
  );
});
process.on('disconnect', () => process.exit(1));
process.send?.({ id: 0 });

async function perform(order: LabOrder): Promise<unknown> {
  switch (order.order) {
    case 'run':
      return run(order.program);
    case 'zone':
      return setZone(order.zone);
    case 'shell': {
      const { stdout, stderr } = await runCommand(['/bin/sh', '-c', order.script], { timeoutMs: 30_000 });
      return stdout + stderr;
    }
    case 'end':
      return void (await Promise.all(staying.splice(0).map((sandbox) => sandbox.destroy())));
    case 'close':
      await host.close();
      await root[Symbol.asyncDispose]();
      internet.kill('SIGKILL');
      await mustRun(['umount', internetPath]);
      await rm(dir, { recursive: true });
      setImmediate(() => process.exit(0));
  }
}

async function run({
  tenant = 'lab',
  egress,
  allowed,
  limits,
  runtime = 'crun',
  capAdd = [],
  args,
  stays,
}: LabProgram): Promise<LabOutcome> {
  const file = operatorPolicySchema.parse({
    runtime,
    egress: { resolvers: ['203.0.113.53'], ...(limits ? { limits } : {}) },
    allow: { egress: allowed },
  });
  const policy = boundPolicy({ egress: parseEgress(egress), capAdd }, operatorPolicy(file));
  const sandbox = await host.start({
    rootDir: root.path,
    args,
    env: { PATH: '/usr/bin' },
    cwd: '/',
    policy,
    channel: 'none',
    tenant,
  });
  const output = { stdout: '', stderr: '' };
  sandbox.stdout.on('data', (chunk: Buffer) => (output.stdout += String(chunk)));
  sandbox.stderr.on('data', (chunk: Buffer) => (output.stderr += String(chunk)));
  const told = sandbox.exited.then(async (exit) => {
    const said = [once(sandbox.stdout, 'close'), once(sandbox.stderr, 'close')];
    if (!sandbox.stdout.closed || !sandbox.stderr.closed)
      await Promise.race([Promise.all(said), sandbox.destroy()]);
    return exit;
  });
  if (stays) {
    staying.push(sandbox);
    await once(sandbox.stdout, 'data');
    return { ...output, code: null, traffic: undefined, violations: violations.get(sandbox.id) ?? [] };
  }
  const timer = setTimeout(() => void sandbox.destroy(), 40_000);
  const exit = await told;
  clearTimeout(timer);
  await sandbox.destroy();
  const stderr = exit.runtimeError === '' ? output.stderr : exit.runtimeError;
  const { code, traffic } = exit;
  return { ...output, stderr, code, traffic, violations: violations.get(sandbox.id) ?? [] };
}

async function setZone(zone: Zone): Promise<unknown> {
  internet.send({ zone });
  const [reply] = await once(internet, 'message');
  return reply.asked;
}

async function makeNetworks() {
  const own = await readlink('/proc/self/ns/net');
  if (own === (await readlink(`/proc/${process.ppid}/ns/net`)))
    throw new Error(
      'the lab runs in the network namespace of its test: it would change settings of the machine',
    );
  await mustRun(['/bin/sh', '-c', settings]);
  await writeFile(internetPath, '');
  await mustRun(['unshare', `--net=${internetPath}`, '--', 'ip', 'link', 'set', 'lo', 'up']);
  const here = [
    'link set lo up',
    `link add outside type veth peer name inside netns ${internetPath}`,
    'addr add 203.0.113.1/24 dev outside',
    'addr add 2001:db8:1::1/64 dev outside nodad',
    'link set outside up',
    'route add default via 203.0.113.53',
    'route add default via 2001:db8:1::53 dev outside',
  ];
  const there = [
    'addr add 203.0.113.53/24 dev inside',
    'addr add 2001:db8:1::53/64 dev inside nodad',
    'link set inside up',
    ...['203.0.113.10/24', '203.0.113.11/24'].map((address) => `addr add ${address} dev inside`),
    ...['2001:db8:1::10/64', '2001:db8:1::11/64'].map((address) => `addr add ${address} dev inside nodad`),
    // This machine also answers at every other address.
    ...['0.0.0.0/1', '128.0.0.0/1', '2000::/3', '64:ff9b::/32', 'fc00::/7'].map(
      (network) => `route add local ${network} dev lo table main`,
    ),
  ];
  const inside = ['nsenter', `--net=${internetPath}`, '--'];
  await mustRun([...inside, '/bin/sh', '-c', settings]);
  // Keep this order: a route needs its device.
  await mustRun(['ip', '-batch', '-'], { input: `${here.join('\n')}\n` });
  await mustRun([...inside, 'ip', '-batch', '-'], { input: `${there.join('\n')}\n` });
  const program = join(import.meta.dirname, 'egress-internet.ts');
  const child = startCommand([...inside, process.execPath, program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}
