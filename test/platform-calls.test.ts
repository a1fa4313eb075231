/** Actions that call the platform that runs them, on real sandboxes: with unmodified clients, and within limits. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import composer from 'openwhisk-composer';
import composerClient from 'openwhisk-composer/client.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instruction, javaClass } from './java-class.ts';
import { leftOvers, nothing } from './left-overs.ts';
import { missingForSandboxes, type Reply, Ward } from './ward.ts';
import { zip } from './zip.ts';

const missing = missingForSandboxes();
const withKey = { key: 'provide-api-key', value: true };
const inside = 'http://127.0.0.1:3233';

/** Asks the API for the namespaces of its key, with the language's own means. Also returns the host that it got. */
const programs: Record<string, string> = {
  'nodejs:24': `exports.main = async () => {
    const { __OW_API_HOST: host, __OW_API_KEY: key } = process.env;
    if (!key) return { host };
    const headers = { authorization: 'Basic ' + Buffer.from(key).toString('base64') };
    const response = await fetch(host + '/api/v1/namespaces', { headers });
    return { host, answer: await response.json() };
  }`,
  'python:3.13': `import base64, json, os, urllib.request
def main(args):
    host, key = os.environ["__OW_API_HOST"], os.environ.get("__OW_API_KEY")
    if not key: return {"host": host}
    request = urllib.request.Request(host + "/api/v1/namespaces")
    request.add_header("Authorization", "Basic " + base64.b64encode(key.encode()).decode())
    return {"host": host, "answer": json.load(urllib.request.urlopen(request))}
`,
  'ruby:3.3': `require 'json'
require 'net/http'
def main(args)
  host, key = ENV['__OW_API_HOST'], ENV['__OW_API_KEY']
  return { host: host } unless key
  url = URI("#{host}/api/v1/namespaces")
  request = Net::HTTP::Get.new(url)
  request.basic_auth(*key.split(':', 2))
  answer = Net::HTTP.start(url.host, url.port) { |http| http.request(request) }
  { host: host, answer: JSON.parse(answer.body) }
end
`,
  'php:8.4': `<?php
function main(array $args): array {
  [$host, $key] = [getenv('__OW_API_HOST'), getenv('__OW_API_KEY')];
  if (!$key) return ['host' => $host];
  $http = ['header' => 'Authorization: Basic ' . base64_encode($key)];
  $answer = file_get_contents("$host/api/v1/namespaces", false, stream_context_create(['http' => $http]));
  return ['host' => $host, 'answer' => json_decode($answer)];
}
`,
  'native:13': `#!/bin/bash
host=$__OW_API_HOST
[ -n "$__OW_API_KEY" ] || { echo "{\\"host\\":\\"$host\\"}"; exit; }
exec 3<>"/dev/tcp/\${host:7:9}/\${host:17}"
printf 'GET /api/v1/namespaces HTTP/1.0\\r\\nAuthorization: Basic %s\\r\\n\\r\\n' "$(printf %s "$__OW_API_KEY" | base64 -w0)" >&3
answer=$(tail -n1 <&3)
echo "{\\"host\\":\\"$host\\",\\"answer\\":$answer}"
`,
};
const triesKey = `exports.main = async ({ key }) => {
  const headers = { authorization: 'Basic ' + Buffer.from(key).toString('base64') };
  return { status: (await fetch(process.env.__OW_API_HOST + '/api/v1/namespaces', { headers })).status };
}`;
/** The refusal without a key. Java's text includes the address. */
const asks: Instruction[] = [
  ['new', 'java/net/URL'],
  ['dup'],
  ['ldc', '__OW_API_HOST'],
  ['invokestatic', 'java/lang/System', 'getenv', '(Ljava/lang/String;)Ljava/lang/String;'],
  ['ldc', '/api/v1/namespaces'],
  ['invokevirtual', 'java/lang/String', 'concat', '(Ljava/lang/String;)Ljava/lang/String;'],
  ['invokespecial', 'java/net/URL', '<init>', '(Ljava/lang/String;)V'],
  ['invokevirtual', 'java/net/URL', 'openStream', '()Ljava/io/InputStream;'],
  ['aconst_null'],
  ['areturn'],
];
const jar = () => zip({ 'example/Asks.class': javaClass('example/Asks', { main: asks }) });

describe.skipIf(missing !== undefined)(
  `actions that call the platform${missing ? ` (${missing})` : ''}`,
  () => {
    let ward: Ward;
    const kinds = Object.keys(programs);
    beforeAll(async () => {
      ward = await Ward.start({
        invoker: { prewarm: kinds.map((kind) => ({ kind, memoryMiB: 256, count: 1 })) },
        sandbox: { allow: { egress: 'public' } },
      });
      await ward.raiseLimits();
    });
    afterAll(() => ward?.[Symbol.asyncDispose]());

    const deploy = async (
      name: string,
      code: string,
      exec: object = {},
      annotations: object[] = [withKey],
    ) => {
      const body = { exec: { kind: 'nodejs:24', code, ...exec }, annotations };
      const reply = await ward.request('PUT', `/api/v1/namespaces/_/actions/${name}?overwrite=true`, {
        body,
      });
      expect(reply.status).toBe(200);
    };
    const resultOf = async (name: string, payload: object = {}): Promise<Reply['body']> =>
      (await ward.invoke(name, payload)).body.response.result;

    describe('a sandbox that was ready before the server listened', () => {
      beforeAll(() =>
        ward.until(() => ward.sandboxStates().filter((state) => state === 'FROZEN').length >= kinds.length),
      );

      it.each(kinds)('%s: its first call knows where the API is, and reaches it', async (kind) => {
        const name = kind.replaceAll(/\W/g, '-');
        await deploy(name, programs[kind] ?? '', { kind });
        const { body } = await ward.invoke(name);
        expect(body.response.result).toEqual({ host: inside, answer: ['guest'] });
        expect(body.annotations).toContainEqual({ key: 'start', value: 'prewarmed' });
        await deploy(`${name}-plain`, programs[kind] ?? '', { kind }, []);
        expect(await resultOf(`${name}-plain`)).toEqual({ host: ward.url });
      });

      it('java:21 too', async () => {
        const code = (await jar()).toString('base64');
        const more = { kind: 'java:default', main: 'example.Asks' };
        await deploy('java', code, more);
        expect((await resultOf('java')).error).toMatch(
          /response code: 401 for URL: http:\/\/127\.0\.0\.1:3233\/api/,
        );
        await deploy('java-plain', code, more, []);
        expect((await resultOf('java-plain')).error).toMatch(/ConnectException: Connection refused/);
      });
    });

    describe('with OpenWhisk’s own client', () => {
      const client = (body: string) =>
        `const openwhisk = require('openwhisk'); exports.main = async (args) => { const ow = openwhisk(); ${body} };`;

      beforeAll(async () => {
        await deploy(
          'leaf',
          'exports.main = async ({ n, ms = 0 }) => { await new Promise((r) => setTimeout(r, ms)); return { n }; }',
          {},
          [],
        );
      });

      it('an action invokes another, and more of them at once than it may have connections', async () => {
        await deploy(
          'parent',
          client(`const call = (n) => ow.actions.invoke({ name: 'leaf', blocking: true, result: true, params: { n } });
          return { all: await Promise.all(Array.from({ length: args.count }, (_, n) => call(n))) };`),
        );
        const all = Array.from({ length: 50 }, (_, n) => ({ n }));
        expect(await resultOf('parent', { count: 50 })).toEqual({ all });
      });

      it('an action fires a trigger, and sets an alarm by a feed', async () => {
        await deploy(
          'fires',
          client(`await ow.triggers.create({ name: 'told' });
          await ow.rules.create({ name: 'told-rule', trigger: '/_/told', action: '/_/leaf' });
          const { activationId } = await ow.triggers.invoke({ name: 'told', params: { n: 7 } });
          await ow.triggers.create({ name: 'woken' });
          const feed = { name: '/whisk.system/alarms/once', trigger: 'woken' };
          await ow.feeds.create({ ...feed, params: { date: Date.now() + 3600e3 } });
          const { config } = (await ow.feeds.get(feed)).response.result;
          await ow.feeds.delete(feed);
          return { activationId, config };`),
        );
        const { activationId, config } = await resultOf('fires');
        expect(config).toMatchObject({ date: expect.anything() });
        const { logs } = await ward.activation(activationId);
        const started = JSON.parse(logs[0]).activationId;
        expect((await ward.activation(started)).response.result).toEqual({ n: 7 });
      });

      it('composer’s async does not wait for what it starts', async () => {
        const { async: apart } = composer as unknown as { async(...parts: unknown[]): unknown };
        const composition = composer.sequence(
          apart(composer.action('leaf')) as never,
          composer.action('leaf'),
        );
        const composing = composerClient({ apihost: ward.url, api_key: ward.auth }, true);
        await composing.compositions.deploy({ name: 'apart', ...composition.compile() }, true);
        const result = await resultOf('apart', { n: 3 });
        expect(result).toEqual({});
        await ward.until(async () => {
          const { body } = await ward.request('GET', '/api/v1/namespaces/_/activations?name=apart&docs=true');
          return body.some(({ response }: Reply['body']) => response.result?.n === 3);
        });
      });

      it('its connections still work after its sandbox was frozen', async () => {
        await deploy(
          'keeps',
          `const openwhisk = require('openwhisk'); const http = require('node:http');
         const agent = new http.Agent({ keepAlive: true });
         const ow = openwhisk({ agent });
         exports.main = async () => {
           const before = await ow.actions.invoke({ name: 'leaf', blocking: true, result: true, params: { n: 1 } });
           const listed = await (await fetch(process.env.__OW_API_HOST + '/api/v1/namespaces', { headers: { authorization: 'Basic ' + btoa(process.env.__OW_API_KEY) } })).json();
           return { before, listed };
         };`,
        );
        for (let n = 0; n < 3; n++) {
          expect(await resultOf('keeps')).toEqual({ before: { n: 1 }, listed: ['guest'] });
          await ward.until(() => ward.sandboxStates().every((state) => state === 'FROZEN'));
        }
      });
    });

    it('requests that wait when the sandbox is frozen are broken off, and a frozen sandbox sends none', async () => {
      await deploy(
        'restless',
        `const asked = []; let timer; let waiting;
       exports.main = async () => {
         const said = asked.splice(0);
         clearInterval(timer);
         const headers = { authorization: 'Basic ' + Buffer.from(process.env.__OW_API_KEY).toString('base64') };
         const call = (ms) => fetch(process.env.__OW_API_HOST + '/api/v1/namespaces/_/actions/leaf?blocking=true', { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify({ n: ms, ms }) });
         const broken = waiting === undefined ? undefined : await waiting;
         waiting = call(2000).then((r) => r.status, (e) => 'broken off');
         timer = setInterval(() => asked.push(call(0).then((r) => r.status, () => 0)), 20);
         return { broken, answers: [...new Set(await Promise.all(said))] };
       };`,
      );
      await resultOf('restless');
      const count = async () =>
        (await ward.request('GET', '/api/v1/namespaces/_/activations?name=leaf&count=true')).body.activations;
      await ward.until(() => ward.sandboxStates().every((state) => state === 'FROZEN'));
      const frozenAt = await count();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await count()).toBe(frozenAt);
      const { broken, answers } = await resultOf('restless');
      expect(broken).toBe('broken off');
      expect(answers).toContain(200);
    });

    it('without `provide-api-key` there is no port', async () => {
      const code = `exports.main = () => new Promise((done) => {
      require('node:net').connect(3233, '127.0.0.1').on('connect', () => done({ reached: true })).on('error', ({ code }) => done({ code }));
    });`;
      await deploy('closed', code, {}, []);
      expect(await resultOf('closed')).toEqual({ code: 'ECONNREFUSED' });
    });

    it('it leads only to the API, and only for its own namespace', async () => {
      const foreign = await ward.createNamespace('foreign');
      await deploy(
        'asks',
        `exports.main = async ({ asks }) => ({ answers: await Promise.all(asks.map(async ([path, key]) => {
         const headers = key ? { authorization: 'Basic ' + btoa(key === 'own' ? process.env.__OW_API_KEY : key) } : {};
         return (await fetch(process.env.__OW_API_HOST + path, { headers })).status;
       })) });`,
      );
      const asks = [
        ['/api/v1/namespaces/_/actions', 'own'],
        ['/api/v1/namespaces/_/actions', undefined],
        ['/api/v1/namespaces/_/actions', foreign],
        ['/api/v1/namespaces/foreign/actions', 'own'],
        ['/metrics', 'own'],
        ['/v2/', 'own'],
        ['/ward/v1/namespaces/_/dead-letters', 'own'],
      ];
      expect(await resultOf('asks', { asks })).toEqual({ answers: [200, 401, 403, 403, 404, 404, 404] });
    });

    it('its calls count as its namespace’s', async () => {
      const small = await ward.createNamespace('small', ['--invocations-per-minute', '3']);
      const code = `const openwhisk = require('openwhisk');
      exports.main = async ({ count = 4 }) => {
        const ow = openwhisk(); const codes = [];
        for (let n = 0; n < count; n++) codes.push(await ow.actions.invoke({ name: 'empty', blocking: true }).then(() => 200, (e) => e.statusCode));
        return { codes };
      };`;
      for (const [name, text] of [
        ['empty', 'exports.main = () => ({})'],
        ['calls', code],
      ]) {
        const body = { exec: { kind: 'nodejs:24', code: text }, annotations: [withKey] };
        await ward.request('PUT', `/api/v1/namespaces/_/actions/${name}`, { body, auth: small });
      }
      const { codes } = (await ward.invoke('calls', {}, small)).body.response.result;
      expect(codes).toEqual([200, 200, 429, 429]);
    });

    it('works beside rules for the network', async () => {
      const egress = { key: 'egress', value: [{ host: 'api.example.com', ports: [443] }] };
      if (!['/usr/sbin/nft', '/usr/bin/pasta'].every(existsSync)) return;
      await deploy('beside', programs['nodejs:24'] ?? '', {}, [withKey, egress]);
      expect(await resultOf('beside')).toEqual({ host: inside, answer: ['guest'] });
    });

    it.each([
      ['nodejs:24', "exports.main = () => ({ key: process.env.__OW_API_KEY ?? '' })"],
      ['python:3.13', 'import os\ndef main(_): return {"key": os.environ.get("__OW_API_KEY", "")}'],
    ])(
      'in a sandbox of %s that stays, a call without a key never finds that of one before, but one that is lent to it',
      async (kind, code) => {
        const name = `forgets-${kind.split(':')[0]}`;
        await deploy(name, code, { kind }, [withKey, { key: 'web-export', value: true }]);
        const url = `${ward.url}/api/v1/web/guest/default/${name}.json`;
        const web = async () => ((await (await fetch(url)).json()) as { key: string }).key;
        const keyed = (await ward.invoke(name)).body;
        expect(keyed.response.result.key).toMatch(/^[^:]+:.+$/);
        const lent = await web();
        expect(lent).toMatch(/^[^:]+:.+$/);
        expect(lent).not.toBe(keyed.response.result.key);
        expect(await web()).not.toBe(lent);
        // The key works only inside, and only for that run.
        expect((await ward.request('GET', '/api/v1/namespaces', { auth: lent })).status).toBe(401);
        await deploy('tries-it', triesKey);
        expect(await resultOf('tries-it', { key: lent })).toEqual({ status: 401 });
        expect((await ward.invoke(name)).body.response.result).toEqual(keyed.response.result);
      },
    );

    it('calls from outside and of webhooks get in with a lent key', async () => {
      await deploy('called', programs['nodejs:24'] ?? '', {}, [withKey, { key: 'web-export', value: true }]);
      const page = await fetch(`${ward.url}/api/v1/web/guest/default/called.json`);
      expect(await page.json()).toEqual({ host: inside, answer: ['guest'] });

      const hook = await ward.cli([
        'trigger',
        'create',
        'hooked',
        '--feed',
        '/whisk.system/webhooks/webhook',
        '-o',
        'json',
      ]);
      expect(hook.code, hook.stderr).toBe(0);
      await ward.cli(['rule', 'create', 'hooks', 'hooked', 'called']);
      const url = /https?:\/\/\S+\/webhooks\/[\w-]+/.exec(`${hook.stdout}${hook.stderr}`)?.[0] ?? '';
      const fired = await fetch(url, { method: 'POST' });
      const activationId = fired.headers.get('x-openwhisk-activation-id') ?? '';
      const [line] = (await ward.activation(activationId)).logs;
      const called = await ward.activation(JSON.parse(line).activationId);
      expect(called.response.result).toEqual({ host: inside, answer: ['guest'] });
    });

    it('a call of an alarm gets in with a lent key', async () => {
      await deploy('rung', programs['nodejs:24'] ?? '');
      const ow = ward.client();
      await ow.triggers.create({ name: 'bell' });
      await ow.rules.create({ name: 'rings', trigger: '/_/bell', action: '/_/rung' });
      const params = { date: Date.now() + 1000 };
      await ow.feeds.create({ name: '/whisk.system/alarms/once', trigger: 'bell', params });
      const path = '/api/v1/namespaces/_/activations?name=rung&docs=true';
      let records: Reply['body'] = [];
      await ward.until(async () => {
        records = (await ward.request('GET', path)).body;
        return records.length > 0;
      });
      expect(records[0].response.result).toEqual({ host: inside, answer: ['guest'] });
    });

    it('an action of another namespace’s package can do no more than the package declares', async () => {
      const auth = await ward.createNamespace('sharer');
      const code = `exports.main = async () => {
        const headers = { authorization: 'Basic ' + Buffer.from(process.env.__OW_API_KEY).toString('base64') };
        const ask = async (method, path) => (await fetch(process.env.__OW_API_HOST + path, { method, headers })).status;
        const own = '/api/v1/namespaces/_/';
        return { codes: [await ask('GET', '/api/v1/namespaces'), await ask('GET', own + 'actions'),
          await ask('POST', own + 'actions/none'), await ask('PUT', own + 'triggers/none')], key: process.env.__OW_API_KEY };
      }`;
      const put = (path: string, body: object, owner = auth) =>
        ward.request('PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, { body, auth: owner });
      const scoped = (value: string) => ({
        publish: true,
        annotations: [{ key: 'api-key-scope', value }],
      });
      await put('packages/shared', { publish: true });
      await put('actions/shared/asks', { exec: { kind: 'nodejs:24', code }, annotations: [withKey] });
      const call = async (path: string) => {
        const url = `/api/v1/namespaces/${path}/asks?blocking=true`;
        return (await ward.request('POST', url, { body: {} })).body.response.result;
      };
      expect((await call('sharer/actions/shared')).codes).toEqual([200, 403, 403, 403]);
      await put('packages/shared', scoped('invoke'));
      expect((await call('sharer/actions/shared')).codes).toEqual([200, 403, 404, 403]);
      await put('packages/shared', scoped('read'));
      const lent = await call('sharer/actions/shared');
      expect(lent.codes).toEqual([200, 200, 403, 403]);
      expect(lent.key).not.toBe(ward.auth);
      expect((await ward.request('GET', '/api/v1/namespaces', { auth: lent.key })).status).toBe(401);
      const annotations = [{ key: 'pass-api-key', value: true }];
      const binding = { namespace: 'sharer', name: 'shared' };
      await put('packages/bound', { binding, annotations }, ward.auth);
      expect((await call('_/actions/bound')).key).toBe(ward.auth);
    });

    it('a composition of another namespace’s package can set up nothing in its caller’s name', async () => {
      const auth = await ward.createNamespace('composer');
      const body = (exec: object, annotations: object[] = []) => ({ body: { exec, annotations }, auth });
      const put = (path: string, options: object) =>
        ward.request('PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, options);
      const code = `exports.main = () => ({ lifecycleEvent: 'CREATE', triggerName: '/guest/victim', minutes: 1 })`;
      await put('packages/shared', { body: { publish: true }, auth });
      await put('actions/shared/asks', body({ kind: 'nodejs:24', code }));
      const components = ['/composer/shared/asks', '/whisk.system/alarms/interval'];
      await put('actions/shared/sets-up', body({ kind: 'sequence', components }));
      await put('triggers/victim', { body: {} });
      const path = '/api/v1/namespaces/composer/actions/shared/sets-up?blocking=true';
      const { response } = (await ward.request('POST', path, { body: {} })).body;
      expect(response).toMatchObject({
        status: 'application error',
        result: { error: expect.stringContaining('not authorized') },
      });
      // Its actions are valid, but not with this identity.
      await put('actions/asks', { body: { exec: { kind: 'nodejs:24', code } } });
      const exec = { kind: 'sequence', components: ['/_/asks', '/whisk.system/alarms/interval'] };
      await put('actions/sets-up', { body: { exec } });
      expect((await ward.invoke('sets-up')).body.response.status).toBe('success');
    });

    it('under gVisor there is no port, and the address is the public one', async () => {
      await deploy(
        'apart-kernel',
        `exports.main = async () => ({ host: process.env.__OW_API_HOST, code: await fetch('${inside}').catch((e) => e.cause.code) })`,
        {},
        [withKey, { key: 'sandbox', value: 'gvisor' }],
      );
      expect(await resultOf('apart-kernel')).toEqual({ host: ward.url, code: 'ECONNREFUSED' });
    });

    it('leaves nothing behind, however the server ends, and the operator can switch it off', async () => {
      const other = await Ward.start();
      const body = { exec: { kind: 'nodejs:24', code: programs['nodejs:24'] }, annotations: [withKey] };
      await other.request('PUT', '/api/v1/namespaces/_/actions/stays', { body });
      expect((await other.invoke('stays')).body.response.result.answer).toEqual(['guest']);
      const relays = () => processesWith(`/run/ward/${other.instance}/`).length;
      expect(relays()).toBeGreaterThan(0);
      await other.kill();
      await other.until(() => relays() === 0);
      const allow = { api: false };
      const again = await Ward.start({ apiHost: 'https://ward.example', sandbox: { allow } }, other.dataDir);
      const code = `exports.main = async () => ({
      host: process.env.__OW_API_HOST,
      hasKey: Boolean(process.env.__OW_API_KEY),
      code: await fetch('${inside}').catch((error) => error.cause.code),
    })`;
      const off = { exec: { kind: 'nodejs:24', code }, annotations: [withKey] };
      expect((await again.request('PUT', '/api/v1/namespaces/_/actions/off', { body: off })).status).toBe(
        200,
      );
      const { result } = (await again.invoke('off')).body.response;
      expect(result).toEqual({ host: 'https://ward.example', hasKey: true, code: 'ECONNREFUSED' });
      await again[Symbol.asyncDispose]();
      expect(leftOvers(again)).toEqual(nothing);
    });
  },
);

function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });
}
