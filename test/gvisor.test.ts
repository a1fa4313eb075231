/** The tier `sandbox: gvisor`: a user's first day on gVisor's kernel, set for an action or a namespace. */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorPolicy } from '../src/sandbox/index.ts';
import { InvokerBench } from './invoker.ts';
import { missingForSandboxes, Ward } from './ward.ts';
import { zip } from './zip.ts';

const missing = missingForSandboxes();
const gvisor = [{ key: 'sandbox', value: 'gvisor' }];

/** Returns the kernel's name and version: gVisor's reveals nothing of the host's. */
const node = `exports.main = ({ name }) => {
  console.log('called by', name);
  return { greeting: 'Hello, ' + name, kernel: require('os').release() };
};`;
const python = `import os
def main(args):
    print("called by", args["name"])
    return {"greeting": "Hello, " + args["name"], "kernel": os.uname().release}
`;

describe.skipIf(missing !== undefined)(`gVisor${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let hostKernel: string;
  beforeAll(async () => {
    ward = await Ward.start();
    await ward.raiseLimits();
    await ward.deploy('plain', node);
    hostKernel = (await ward.invoke('plain', { name: 'x' })).body.response.result.kernel;
  });
  afterAll(() => ward[Symbol.asyncDispose]());

  const deploy = (name: string, exec: object, more: object = {}, auth?: string) =>
    ward.request('PUT', `/api/v1/namespaces/_/actions/${name}?overwrite=true`, {
      body: { exec, annotations: gvisor, ...more },
      ...(auth === undefined ? {} : { auth }),
    });

  it.each([
    ['nodejs:24', node, 'success'],
    ['python:3.13', python, 'application error'],
  ])('%s: results, logs, warm calls, errors', async (kind, code, statusWithoutName) => {
    const name = kind.replaceAll(/\W/g, '-');
    expect((await deploy(name, { kind, code }, { limits: { timeout: 10_000 } })).status).toBe(200);
    const first = await ward.invoke(name, { name: 'World' });
    expect(first.body.response.result).toMatchObject({ greeting: 'Hello, World' });
    expect(first.body.response.result.kernel).not.toBe(hostKernel);
    const { logs } = await ward.activation(first.body.activationId);
    expect(logs).toEqual([expect.stringMatching(/stdout: called by World$/)]);
    const second = await ward.invoke(name, { name: 'again' });
    expect(second.body.annotations).toContainEqual({ key: 'start', value: 'warm' });
    const without = await ward.invoke(name, {});
    expect(without.body.response.status).toBe(statusWithoutName);
  });

  it('an archive', async () => {
    const code = (await zip({ 'index.js': node })).toString('base64');
    await deploy('zipped', { kind: 'nodejs:24', code, binary: true });
    expect((await ward.invoke('zipped', { name: 'zip' })).body.response.result.greeting).toBe('Hello, zip');
  });

  it('a call that exceeds its time is ended, and its memory is bounded', async () => {
    const limits = { timeout: 1500, memory: 128 };
    await deploy(
      'slow',
      { kind: 'nodejs:24', code: 'exports.main = () => new Promise(() => {})' },
      { limits },
    );
    expect((await ward.invoke('slow')).body.response.result.error).toMatch(/exceeded its time limits/);
    const eat = 'exports.main = () => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1)); }';
    await deploy('eater', { kind: 'nodejs:24', code: eat }, { limits: { timeout: 30_000, memory: 128 } });
    expect((await ward.invoke('eater')).body.response.status).toBe('action developer error');
  });

  it('for all actions of a namespace', async () => {
    const auth = await ward.createNamespace('walled', ['--sandbox', 'gvisor']);
    await ward.deploy('hello', node, { auth });
    const { body } = await ward.invoke('hello', { name: 'World' }, auth);
    expect(body.response.result.greeting).toBe('Hello, World');
    expect(body.response.result.kernel).not.toBe(hostKernel);
  });

  it('is among the abilities of an invoker, with the bounds of its operator', async () => {
    const operator = operatorPolicy({ allow: { cpus: 3 } });
    await using bench = await InvokerBench.open({ operator });
    expect(await bench.invoker.abilities()).toEqual({ operator, gvisorObstacle: undefined });
  });

  it('not for users’ own images, which are refused at deployment', async () => {
    const refused = await deploy('image', { kind: 'blackbox', image: 'guest/app:1' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
  });
});

describe.skipIf(missing !== undefined)('without gVisor', () => {
  it('it is refused when the operator does not allow it, and the error names the field', async () => {
    await using bench = await InvokerBench.open({
      operator: operatorPolicy({ allow: { runtimes: ['crun'] } }),
    });
    const target = await bench.target('exports.main = () => ({})');
    const sandbox = { tier: 'gvisor', id: 'x' } as const;
    await expect(bench.invoker.checkTarget({ ...target, sandbox })).rejects.toMatchObject({
      code: 'POLICY_EXCEEDED',
    });
  });

  it('a host without runsc says so at deployment', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-no-runsc-'));
    const path = process.env['PATH'];
    try {
      for (const program of ['crun', 'mount', 'umount']) {
        await symlink(join('/usr/bin', program), join(folder, program));
      }
      process.env['PATH'] = folder;
      await using bench = await InvokerBench.open();
      const target = await bench.target('exports.main = () => ({})');
      const sandbox = { tier: 'gvisor', id: 'x' } as const;
      await expect(bench.invoker.checkTarget({ ...target, sandbox })).rejects.toMatchObject({
        code: 'TIER_UNAVAILABLE',
        message: expect.stringMatching(/no gVisor/),
      });
      const { gvisorObstacle } = await bench.invoker.abilities();
      expect(gvisorObstacle?.fault?.code).toBe('RUNTIME_MISSING');
    } finally {
      process.env['PATH'] = path;
      await rm(folder, { recursive: true });
    }
  });
});
