/** Packages and bindings on a real Ward: whose parameters win, who may use them, and what a deleted one leaves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const root = '/api/v1/namespaces/_';
const echo = 'function main(params) { return params; }';

let ward: Ward;
let other: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start({ invoker: { memoryMiB: 2048, prewarm: [] } });
  await ward.raiseLimits();
  other = await ward.createNamespace('other');
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
});

const parameters = (values: object) => Object.entries(values).map(([key, value]) => ({ key, value }));
const put = (path: string, body: object, auth?: string) =>
  ward.request('PUT', `${root}/${path}?overwrite=true`, { body, ...(auth === undefined ? {} : { auth }) });

describe.skipIf(missing !== undefined)(`packages${missing ? ` (${missing})` : ''}`, () => {
  it('give parameters to their actions, overridden by the binding, the action and the call', async () => {
    await put('packages/shared', {
      publish: true,
      parameters: parameters({ a: 'package', b: 'package', c: 'package', d: 'package' }),
    });
    const exec = { kind: 'nodejs:24', code: echo };
    await put('actions/shared/echo', { exec, parameters: parameters({ c: 'action', d: 'action' }) });
    expect((await ward.invoke('shared/echo', { d: 'call' })).body.response.result).toEqual({
      a: 'package',
      b: 'package',
      c: 'action',
      d: 'call',
    });
    const binding = { namespace: 'guest', name: 'shared' };
    const bound = await put(
      'packages/bound',
      { binding, parameters: parameters({ b: 'binding', c: 'binding' }) },
      other,
    );
    expect(bound.status).toBe(200);
    const called = await ward.invoke('bound/echo', { d: 'call' }, other);
    expect(called.body.response.result).toEqual({ a: 'package', b: 'binding', c: 'action', d: 'call' });
    expect(called.body.namespace).toBe('other');
    expect(called.body.annotations).toContainEqual({ key: 'path', value: 'guest/shared/echo' });
    expect(called.body.annotations).toContainEqual({ key: 'binding', value: 'other/bound' });
  });

  it('pass changed parameters to the next call', async () => {
    await put('packages/p', { parameters: parameters({ a: 1 }) });
    await put('actions/p/echo', { exec: { kind: 'nodejs:24', code: echo } });
    expect((await ward.invoke('p/echo')).body.response.result).toEqual({ a: 1 });
    await put('packages/p', { parameters: parameters({ a: 2 }) });
    expect((await ward.invoke('p/echo')).body.response.result).toEqual({ a: 2 });
  });

  it('that become private can no longer be used by others', async () => {
    await put('packages/open', { publish: true });
    await put('actions/open/echo', { exec: { kind: 'nodejs:24', code: echo } });
    const call = () =>
      ward.request('POST', '/api/v1/namespaces/guest/actions/open/echo?blocking=true', {
        body: {},
        auth: other,
      });
    expect((await call()).status).toBe(200);
    await put('packages/open', { publish: false });
    expect((await call()).status).toBe(403);
    const binding = { namespace: 'guest', name: 'open' };
    expect((await put('packages/late', { binding }, other)).status).toBe(403);
  });

  it('work through the OpenWhisk client', async () => {
    const { packages, actions } = ward.client();
    await packages.create({ name: 'js', package: { parameters: parameters({ a: 1 }), publish: true } });
    await actions.create({ name: 'js/echo', action: echo });
    expect(await packages.get({ name: 'js' })).toMatchObject({ actions: [{ name: 'echo' }] });
    expect(await packages.list()).toContainEqual(expect.objectContaining({ name: 'js', publish: true }));
    expect(await actions.invoke({ name: 'js/echo', blocking: true, result: true })).toEqual({ a: 1 });
    await expect(packages.delete({ name: 'js' })).rejects.toMatchObject({ statusCode: 409 });
    const forced = await ward.request('DELETE', `${root}/packages/js?force=true`);
    expect(forced.status).toBe(200);
    expect((await ward.invoke('js/echo')).status).toBe(404);
    await expect(packages.get({ name: 'js' })).rejects.toMatchObject({ statusCode: 404 });
  });

  it('that are created again do not serve the code of the old ones', async () => {
    for (const answer of ['old', 'new']) {
      await put('packages/again', {});
      const code = `function main() { return { answer: '${answer}' }; }`;
      await put('actions/again/a', { exec: { kind: 'nodejs:24', code } });
      expect((await ward.invoke('again/a')).body.response.result).toEqual({ answer });
      await ward.request('DELETE', `${root}/packages/again?force=true`);
    }
  });
});
