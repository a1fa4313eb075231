/** Egress of functions: what an action can reach, and how its record lists the rest. Nothing leaves the machine. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EffectiveSandboxAsk } from '../src/dispatch/index.ts';
import { parseEgress } from '../src/egress/index.ts';
import { formatSize } from '../src/lib/index.ts';
import { operatorPolicy, operatorPolicySchema } from '../src/sandbox/index.ts';
import { InvokerBench } from './invoker.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ??
  ['/usr/sbin/nft', '/usr/bin/pasta'].find((program) => !existsSync(program))?.concat(' is missing');

/** Connects to every address in `to` at once, and answers right after the last refusal. */
const code = `const net = require('node:net');
  const one = ([host, port]) => new Promise((done) => {
    const socket = net.connect({ host, port, timeout: 8000 });
    socket.once('connect', () => { socket.destroy(); done('connected'); });
    socket.once('timeout', () => { socket.destroy(); done('timeout'); });
    socket.once('error', ({ code }) => done(code));
  });
  exports.main = async ({ to = [] }) => ({
    devices: Object.keys(require('node:os').networkInterfaces()).sort(),
    answers: await Promise.all(to.map(one)),
  });`;

const operator = operatorPolicy(operatorPolicySchema.parse({ allow: { egress: 'public' } }));

describe.skipIf(missing !== undefined)(`egress of functions${missing ? ` (${missing})` : ''}`, () => {
  let bench: InvokerBench;
  beforeAll(async () => {
    bench = await InvokerBench.open({ operator, prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] });
  });
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
  });

  const ask = (id: string, rules: unknown, more: Partial<EffectiveSandboxAsk> = {}): EffectiveSandboxAsk => ({
    id,
    egress: parseEgress(rules),
    ...more,
  });
  const api = [{ host: 'api.example.com', ports: [443] }];

  it('an action without rules has no network device, and can be prewarmed', async () => {
    await bench.until(() => bench.frozen === 1);
    const { result, start } = await bench.run(await bench.target(code));
    expect(result).toMatchObject({ devices: ['lo'] });
    expect(start).toBe('prewarmed');
  });

  it('an action with rules has one, never gets a prewarmed sandbox, and its record has each refusal', async () => {
    const target = await bench.target(code, { sandbox: ask('a', api) });
    const to = [
      ['10.0.0.1', 80],
      ['169.254.169.254', 80],
      ['evil.example.com', 443],
    ];
    const { result, start, violations } = await bench.run(target, { to });
    expect(result).toEqual({
      devices: ['eth0', 'lo'],
      answers: ['ECONNREFUSED', 'ECONNREFUSED', 'ENOTFOUND'],
    });
    expect(start).toBe('cold');
    const details = (violations ?? []).map(({ kind, detail }) => `${kind} ${detail}`);
    expect(details).toEqual(
      expect.arrayContaining([
        'egress tcp 10.0.0.1:80: a private network',
        'egress tcp 169.254.169.254:80: link-local, where metadata services are',
        'egress name evil.example.com: no rule allows it',
      ]),
    );
    const again = await bench.run(target, { to: [['10.0.0.2', 81]] });
    expect(again.start).toBe('warm');
    expect(again.violations?.map(({ detail }) => detail)).toEqual(['tcp 10.0.0.2:81: a private network']);
    expect(again.traffic).toBeUndefined();
    const quiet = await bench.run(target);
    expect(quiet.violations).toBeUndefined();
  });

  it('sandboxes with different rules are not shared', async () => {
    const one = await bench.target(code, { sandbox: ask('b', api) });
    await bench.run(one);
    const other = { ...one, sandbox: ask('c', [{ host: 'other.example.com', ports: [443] }]) };
    expect((await bench.run(other)).start).not.toBe('warm');
    expect((await bench.run(one)).start).toBe('warm');
  });

  it.each([
    ['an address that is private', [{ cidr: '10.0.0.0/24' }], /private/],
    ['loopback', [{ cidr: '127.0.0.1' }], /loopback/],
    ['another sandbox', [{ cidr: '198.18.0.0/16' }], /Ward’s own/],
  ])('%s is refused before anything starts', async (_, rules, why) => {
    const target = await bench.target(code, { sandbox: ask('d', rules) });
    await expect(bench.run(target)).rejects.toMatchObject({
      code: 'EGRESS_EXCEEDED',
      message: expect.stringMatching(why),
    });
  });

  it('what the namespace may not reach is refused', async () => {
    const sandbox = ask('e', api, { egressWithin: parseEgress(['other.example.com:443']) });
    await expect(bench.invoker.checkTarget(await bench.target(code, { sandbox }))).rejects.toMatchObject({
      code: 'EGRESS_EXCEEDED',
      message: expect.stringContaining('in this namespace'),
    });
  });

  describe('of a whole Ward', () => {
    let ward: Ward;
    /** Sends back what it gets. */
    const echo = createServer((socket) => socket.pipe(socket).on('error', () => {}));
    const own = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.internal === false && each.family === 'IPv4')?.address;
    const echoPort = () => Object(echo.address()).port;
    beforeAll(async () => {
      await once(echo.listen(0), 'listening');
      const ofEcho = own === undefined ? [] : [{ cidr: own, ports: [echoPort()] }];
      ward = await Ward.start({
        sandbox: { allow: { egress: ['*.example.com:443', '*.example.org:443', ...ofEcho] } },
      });
    });
    afterAll(async () => {
      await ward?.[Symbol.asyncDispose]();
      echo.close();
    });
    const deploy = (name: string, egress?: unknown) =>
      ward.request('PUT', `/api/v1/namespaces/_/actions/${name}?overwrite=true`, {
        body: {
          exec: { kind: 'nodejs:24', code },
          ...(egress === undefined ? {} : { annotations: [{ key: 'egress', value: egress }] }),
        },
      });

    it('an action’s rules are refused at deployment when the operator does not allow them', async () => {
      const refused = await deploy('far', [{ host: 'api.example.net', ports: [443] }]);
      expect(refused).toMatchObject({
        status: 403,
        body: { error: expect.stringContaining('tcp api.example.net:443 is not allowed') },
      });
      const wrong = await deploy('wrong', [{ host: '10.0.0.1', ports: [443] }]);
      expect(wrong).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining('egress[0].host') },
      });
    });

    it('the record of an activation has each refusal, and the metric counts them', async () => {
      expect((await deploy('near', api)).status).toBe(200);
      const to = [
        ['10.0.0.1', 80],
        ['evil.example.com', 443],
      ];
      const { body } = await ward.invoke('near', { to });
      expect(body.response.result.answers).toEqual(['ECONNREFUSED', 'ENOTFOUND']);
      const record = await ward.activation(body.activationId);
      const noted = record.annotations.find(({ key }: { readonly key: string }) => key === 'violations');
      expect(noted?.value).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ kind: 'egress', detail: 'tcp 10.0.0.1:80: a private network' }),
        ]),
      );
      const listed = await ward.cli(['sandbox', 'violations', '--data', ward.dataDir, '-o', 'json']);
      expect(listed.stdout).toContain('tcp 10.0.0.1:80: a private network');
      const { body: figures } = await ward.request('GET', '/metrics');
      // Each of the two questions about the name counts: for IPv4 and for IPv6.
      expect(figures).toContain('ward_sandbox_violations_total{kind="egress"} 3\n');
    });

    it.skipIf(own === undefined)(
      'what it sends and gets is in its record, in the usage, by target and in metrics',
      async () => {
        const send = `require('node:net').connect(args.port, args.host, function () { this.write(Buffer.alloc(50000)); })`;
        const body = {
          exec: {
            kind: 'nodejs:24',
            code: `exports.main = (args) => new Promise((done, fail) => {
            let left = 50000;
            ${send}.on('error', fail).on('data', ({ length }) => {
              left -= length;
              if (left === 0 && !args.stays) done({});
            });
          })`,
          },
          limits: { timeout: 1500 },
          annotations: [{ key: 'egress', value: [{ cidr: own, ports: [echoPort()] }] }],
        };
        await ward.request('PUT', '/api/v1/namespaces/_/actions/talk', { body });
        const place = { host: own, port: echoPort() };
        const said = { sentBytes: 0, receivedBytes: 0 };
        for (const stays of [false, true]) {
          const { body } = await ward.invoke('talk', { ...place, stays });
          expect(body.response.success).toBe(!stays);
          const { annotations } = await ward.activation(body.activationId);
          const { value } = annotations.find(({ key }: { readonly key: string }) => key === 'traffic');
          expect(value.connections).toEqual([
            { address: own, port: echoPort(), protocol: 'tcp', at: expect.any(Number) },
          ]);
          for (const name of ['sentBytes', 'receivedBytes'] as const) {
            expect(value[name]).toBeGreaterThan(50_000);
            expect(value[name]).toBeLessThan(100_000);
            said[name] += value[name];
          }
        }
        const { stdout: usage } = await ward.cli(['usage', '-o', 'json']);
        expect(JSON.parse(usage)).toEqual([expect.objectContaining(said)]);
        expect((await ward.cli(['usage'])).stdout).toContain(` ${formatSize(said.sentBytes)} `);
        const listed = (...args: string[]) => ward.cli(['egress', 'list', ...args, '-o', 'json']);
        const target = {
          target: own,
          port: echoPort(),
          protocol: 'tcp',
          refusal: null,
          calls: 2,
          attempts: 2,
        };
        expect(JSON.parse((await listed('talk')).stdout)).toEqual([
          expect.objectContaining({ action: 'talk', ...target, ...said }),
        ]);
        const refused = await listed('--all', '--data', ward.dataDir, '--refused');
        expect(JSON.parse(refused.stdout)).toMatchObject([
          { action: 'near', target: '10.0.0.1', port: 80, refusal: 'a private network', sentBytes: 0 },
          { action: 'near', target: 'evil.example.com', protocol: 'dns', refusal: 'no rule allows it' },
        ]);
        const { body: figures } = await ward.request('GET', '/metrics');
        expect(figures).toContain(`ward_egress_bytes_total{direction="sent"} ${said.sentBytes}\n`);
      },
    );

    it('a namespace’s rules apply to its actions, and limit their own rules', async () => {
      const limits = (...args: readonly string[]) =>
        ward.cli([
          ...['namespace', 'limits', 'guest', ...args, '--data', ward.dataDir],
          ...['--config', join(ward.dataDir, 'config.yaml')],
        ]);
      expect((await limits('--egress', 'api.example.net:443')).stderr).toContain('EGRESS_EXCEEDED');
      expect(await limits('--egress', 'a.example.org:443')).toMatchObject({
        code: 0,
        stderr: expect.any(String),
      });
      await ward.until(async () => (await deploy('beyond', api)).status === 403);
      await deploy('plain');
      const { body } = await ward.invoke('plain');
      expect(body.response.result.devices).toEqual(['eth0', 'lo']);
      expect((await limits('--egress', 'default')).code).toBe(0);
    });
  });

  it('ward sandbox run takes rules within the operator’s, and reports refusals', async () => {
    const connect = "fetch('http://10.0.0.1').catch((error) => console.log(error.cause.code))";
    const refused = await runWard([
      'sandbox',
      'run',
      '--egress',
      'api.example.com:443',
      'nodejs:24',
      '--',
      'node',
    ]);
    expect(refused.stderr).toMatch(
      /error\[EGRESS_EXCEEDED\]: egress: tcp api.example.com:443 is not allowed/,
    );
    const folder = await mkdtemp(join(tmpdir(), 'ward-egress-'));
    try {
      const config = join(folder, 'ward.yaml');
      await writeFile(config, 'sandbox: { allow: { egress: public } }\n');
      const flags = ['--config', config, '--egress', 'api.example.com:443', 'nodejs:24'];
      const ran = await runWard(['sandbox', 'run', ...flags, '--', 'node', '-e', connect]);
      expect([ran.stdout, ran.stderr]).toEqual([
        'ECONNREFUSED\n',
        'ward: refused tcp 10.0.0.1:80: a private network\n',
      ]);
      const explained = await runWard(['sandbox', 'explain', ...flags, '-o', 'json']);
      expect(explained.stdout).toContain('reaches tcp api.example.com:443 and nothing else');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
