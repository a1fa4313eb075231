/** The real commands of `aio runtime` against a running Ward. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownAddress, type Receiver, startReceiver } from '../src/forwarding/receiver.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { missingForSandboxes, outsideEnv, Ward } from './ward.ts';

const missing = missingForSandboxes();
const reason = missing ? ` (${missing})` : '';
const program = fileURLToPath(new URL('./aio/run.cjs', import.meta.url));
const code = 'function main(p) { console.log("said"); return { hello: p.name || "nobody" }; }';

let ward: Ward;
let folder: string;
let receiver: Receiver;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'ward-aio-'));
  await writeFile(join(folder, 'hello.js'), code);
  receiver = await startReceiver('0.0.0.0');
  const azure = { host: '*.ods.opinsights.azure.com', ports: [443] };
  const allow = ownAddress === undefined ? 'none' : [{ cidr: ownAddress, ports: [receiver.port] }, azure];
  ward = await Ward.start({ logForwarding: { allow } });
  await ward.raiseLimits();
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** The output of each command. */
async function aio(...commands: readonly string[]): Promise<string[]> {
  const lists = commands.map((command) => ['runtime', ...command.split(' ')]);
  const { stdout, stderr } = await runCommand([process.execPath, program, JSON.stringify(lists)], {
    cwd: folder,
    timeoutMs: 120_000,
    env: {
      ...outsideEnv(),
      ...{ HOME: folder, XDG_CONFIG_HOME: folder, USE_RUNTIME_AUTH: 'true' },
      ...{ AIO_RUNTIME_APIHOST: ward.url, AIO_RUNTIME_AUTH: ward.auth, AIO_RUNTIME_NAMESPACE: 'guest' },
    },
  });
  const said = stdout.split(/^\$ runtime .*\n/m).slice(1);
  if (said.length !== commands.length) throw new Error(stdout + stderr);
  return said.map((each) => each.trim());
}

describe.skipIf(missing !== undefined)(`aio runtime${reason}`, () => {
  it('actions are created, listed, called, inspected and deleted', { timeout: 120_000 }, async () => {
    const [created, listed, called, activations, logs, got, deleted] = await aio(
      'action create hello hello.js --web true --kind nodejs:24',
      'action list',
      'action invoke hello --blocking --result --param name Ada',
      'activation list',
      'activation logs --last',
      'action get hello',
      'action delete hello',
    );
    expect({ created, deleted }).toEqual({ created: '', deleted: '' });
    expect(listed).toMatch(/web\s+nodejs:24\s+0\.0\.1\s+hello/);
    expect(JSON.parse(called ?? '')).toEqual({ hello: 'Ada' });
    expect(activations).toMatch(/success\s+nodejs:24\s+0\.0\.1\s+[0-9a-f]{32}\s+cold\b.*\bhello/);
    expect(logs).toMatch(/stdout: said$/);
    expect(got).toMatch(/"kind": "nodejs:24"/);
  });

  it('packages, triggers, rules, APIs and log forwarding work', { timeout: 120_000 }, async () => {
    const [, boxed, , , fired, rules, url, apis, forwarding, namespace] = await aio(
      'package create box --param greeting Hi',
      'action create box/hello hello.js --web true',
      'trigger create bell',
      'rule create ring bell box/hello',
      'trigger fire bell --param name Bell',
      'rule list',
      'api create /v1 /hello get box/hello',
      'api list',
      'namespace log-forwarding get',
      'namespace get',
    );
    expect(boxed).toBe('');
    expect(JSON.parse(fired ?? '')).toEqual({ activationId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(rules).toMatch(/active\b.*\bring/);
    expect(url).toBe(`${ward.url}/apis/guest/v1/hello`);
    expect(apis).toContain('/v1/hello');
    expect(forwarding).toContain('"adobe_io_runtime": {}');
    expect(namespace).toContain('/guest/box');
    expect((await ward.request('GET', '/apis/guest/v1/hello?name=Api')).body).toEqual({ hello: 'Api' });
  });

  it('a refusal shows Ward’s own text', { timeout: 120_000 }, async () => {
    const [missingAction, forwarding] = await aio(
      'action get nothing',
      'namespace log-forwarding set splunk-hec --host splunk.example --port 8088 --index main --hec-token s3cret',
    );
    expect(missingAction).toMatch(/^failed: .*404/s);
    expect(forwarding).toMatch(/^failed: .*splunk\.example:8088 is not allowed/s);
    expect(forwarding).not.toContain('s3cret');
  });

  it.skipIf(ownAddress === undefined)('logs are forwarded', { timeout: 120_000 }, async () => {
    const setSplunk = `namespace log-forwarding set splunk-hec --host http://${ownAddress} --port ${receiver.port}`;
    const [, setTo, shown] = await aio(
      'action create said hello.js',
      `${setSplunk} --index main --hec-token s3cret`,
      'namespace log-forwarding get',
    );
    expect(setTo).toBe('Log forwarding was set to splunk_hec for this namespace');
    expect(shown).toContain(`"port": "${receiver.port}"`);
    expect(shown).not.toContain('s3cret');
    const { activationId } = (await ward.invoke('said')).body;
    await ward.until(() => receiver.received.length > 0);
    const [{ path, headers, body } = { path: '', headers: {}, body: '' }] = receiver.received;
    expect([path, headers.authorization]).toEqual(['/services/collector/event', 'Splunk s3cret']);
    const event = { message: 'said', stream: 'stdout', namespace: 'guest', action: 'said', activationId };
    expect(JSON.parse(body)).toMatchObject({ index: 'main', event });
    receiver.status = 403;
    expect((await ward.invoke('said')).status).toBe(200);
    await ward.until(() => receiver.received.length > 1);
    const [errors, , back] = await aio(
      'namespace log-forwarding errors',
      'namespace log-forwarding set adobe-io-runtime',
      'namespace log-forwarding get',
    );
    expect(errors).toMatch(/^Log forwarding errors for the last configured destination 'splunk_hec':/);
    expect(errors).toContain('the destination answered 403; the log of 1 activation was given up');
    expect(back).toContain('"adobe_io_runtime": {}');
  });

  it.skipIf(ownAddress === undefined)(
    'New Relic and Azure are destinations, too',
    { timeout: 120_000 },
    async () => {
      const before = receiver.received.length;
      receiver.status = 202;
      const baseUri = `http://${ownAddress}:${receiver.port}`;
      const customer = '0a1b2c3d-0000-4000-8000-000000000001';
      const [, setNewRelic] = await aio(
        'action update said hello.js',
        `namespace log-forwarding set new-relic --base-uri ${baseUri} --license-key s3cret`,
      );
      expect(setNewRelic).toBe('Log forwarding was set to new_relic for this namespace');
      const { activationId } = (await ward.invoke('said')).body;
      await ward.until(() => receiver.received.length > before);
      const { path, headers, body } = receiver.received.at(-1) ?? { path: '', headers: {}, body: '' };
      expect([path, headers['api-key']]).toEqual(['/log/v1', 's3cret']);
      const attributes = { stream: 'stdout', namespace: 'guest', action: 'said', activationId };
      expect(JSON.parse(body)).toMatchObject([{ logs: [{ message: 'said', attributes }] }]);
      // Azure's address can't be another one, so nothing is sent here.
      const key = Buffer.from('shared-s3cret').toString('base64');
      const [setAzure, shown] = await aio(
        `namespace log-forwarding set azure-log-analytics --customer-id ${customer} --shared-key ${key} --log-type Ward`,
        'namespace log-forwarding get',
        'namespace log-forwarding set adobe-io-runtime',
      );
      expect(setAzure).toBe('Log forwarding was set to azure_log_analytics for this namespace');
      expect(shown).toContain(`"customer_id": "${customer}"`);
      expect(shown).not.toContain(key);
    },
  );
});
