/** Third-party clients, unchanged, on every resource: npm `openwhisk`, and the library behind Adobe's `aio`. */
import aio from '@adobe/aio-lib-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, Ward } from './ward.ts';
import { zip } from './zip.ts';

const missing = missingForSandboxes();
const reason = missing ? ` (${missing})` : '';
const greet =
  'function main({ name = "stranger", greeting = "Hello" }) { return { text: greeting + ", " + name }; }';

let ward: Ward;

/** The client without its types, which leave out much of what it can do. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
const openwhisk = (): any => ward.client();

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start();
  await ward.raiseLimits();
});
afterAll(() => ward?.[Symbol.asyncDispose]());

const nameOf = ({ name }: { name: string }) => name;

describe.skipIf(missing !== undefined)(`the npm client openwhisk${reason}`, () => {
  it('namespaces and their limits', async () => {
    const client = openwhisk();
    expect(await client.namespaces.list()).toEqual(['guest']);
  });

  it('packages, bindings, and actions in them', async () => {
    const client = openwhisk();
    const parameters = [{ key: 'greeting', value: 'Hi' }];
    expect(
      await client.packages.create({ name: 'tools', package: { publish: true, parameters } }),
    ).toMatchObject({
      name: 'tools',
      publish: true,
      parameters,
      binding: {},
    });
    await client.actions.create({ name: 'tools/greet', action: greet });
    const bound = { namespace: 'guest', name: 'tools' };
    await client.packages.create({
      name: 'polite',
      package: { binding: bound, parameters: [{ key: 'greeting', value: 'Good day' }] },
    });
    const invoke = (name: string) =>
      client.actions.invoke({ name, params: { name: 'Ada' }, blocking: true, result: true });
    expect(await invoke('tools/greet')).toEqual({ text: 'Hi, Ada' });
    expect(await invoke('polite/greet')).toEqual({ text: 'Good day, Ada' });
    expect(await client.packages.get({ name: 'tools' })).toMatchObject({
      actions: [{ name: 'greet' }],
      feeds: [],
    });
    expect((await client.packages.list()).map(nameOf)).toEqual(['polite', 'tools']);
    const [latest] = await client.activations.list({ limit: 1, name: 'polite/greet' });
    expect(latest).toMatchObject({
      name: 'greet',
      annotations: expect.arrayContaining([
        { key: 'path', value: 'guest/tools/greet' },
        { key: 'binding', value: 'guest/polite' },
      ]),
    });
    await expect(client.packages.delete({ name: 'tools' })).rejects.toThrow(/Package not empty/);
    await client.actions.delete({ name: 'tools/greet' });
    await client.packages.delete({ name: 'polite' });
    expect(await client.packages.delete({ name: 'tools' })).toMatchObject({ name: 'tools' });
  });

  it('actions, sequences, activations', async () => {
    const client = openwhisk();
    await client.actions.create({
      name: 'greet',
      action: greet,
      params: { greeting: 'Hey' },
      limits: { timeout: 5000 },
    });
    await client.actions.create({
      name: 'loud',
      action: 'const main = ({ text }) => ({ text: text.toUpperCase() })',
    });
    const { name, namespace } = await client.actions.get({ name: 'greet' });
    expect({ name, namespace }).toEqual({ name: 'greet', namespace: 'guest' });
    await client.actions.create({ name: 'shout', sequence: ['/_/greet', '/_/loud'] });
    const activation = await client.actions.invoke({
      name: 'shout',
      params: { name: 'Ada' },
      blocking: true,
    });
    expect(activation.response.result).toEqual({ text: 'HEY, ADA' });
    const { activationId } = activation;
    expect(await client.activations.result({ name: activationId })).toMatchObject({
      result: { text: 'HEY, ADA' },
    });
    expect((await client.activations.logs({ name: activationId })).logs).toHaveLength(2);
    expect(await client.activations.get({ name: activationId })).toMatchObject({ name: 'shout' });
    await client.actions.update({ name: 'loud', action: 'const main = () => ({ error: "too loud" })' });
    await expect(
      client.actions.invoke({ name: 'shout', blocking: true, result: true }),
    ).rejects.toMatchObject({
      statusCode: 502,
    });
    for (const each of ['shout', 'loud', 'greet']) await client.actions.delete({ name: each });
  });

  it('triggers and rules', async () => {
    const client = openwhisk();
    await client.actions.create({ name: 'react', action: greet });
    await client.triggers.create({
      name: 'event',
      trigger: { parameters: [{ key: 'greeting', value: 'Ping' }] },
    });
    await client.rules.create({ name: 'when', action: 'react', trigger: 'event' });
    expect(await client.rules.get({ name: 'when' })).toMatchObject({ status: 'active' });
    const fired = await client.triggers.invoke({ name: 'event', params: { name: 'Ada' } });
    const { activationId } = fired;
    const record = await ward.activation(activationId);
    expect(record.response.result).toEqual({ name: 'Ada' });
    const log = JSON.parse(record.logs[0]);
    expect(log).toMatchObject({ success: true, rule: 'guest/when', action: 'guest/react' });
    expect((await ward.activation(log.activationId)).response.result).toEqual({ text: 'Ping, Ada' });
    await client.rules.disable({ name: 'when' });
    const silent = await client.triggers.invoke({ name: 'event' });
    expect(String(silent)).toBe('');
    await client.rules.enable({ name: 'when' });
    expect((await client.rules.list()).map(nameOf)).toEqual(['when']);
    expect((await client.triggers.list()).map(nameOf)).toEqual(['event']);
    await client.rules.delete({ name: 'when' });
    await client.triggers.delete({ name: 'event' });
    await client.actions.delete({ name: 'react' });
  });

  it('feeds', async () => {
    const client = openwhisk();
    const feed = { feedName: '/whisk.system/alarms/alarm', name: 'daily' };
    await client.triggers.create({ name: 'daily' });
    const name = feed.feedName;
    await client.feeds.create({
      name,
      trigger: 'daily',
      params: { cron: '0 12 * * *', timezone: 'Europe/Paris' },
    });
    const read = await client.feeds.get({ name, trigger: 'daily' });
    expect(read).toMatchObject({
      response: { result: { config: { cron: '0 12 * * *' }, status: { active: true } } },
    });
    await client.feeds.delete({ name, trigger: 'daily' });
    await client.triggers.delete({ name: 'daily' });
  });

  it('missing and already existing entities', async () => {
    const client = openwhisk();
    for (const resource of ['actions', 'packages', 'rules', 'triggers'])
      for (const verb of ['get', 'delete'])
        await expect(client[resource][verb]({ name: 'missing-thing' })).rejects.toMatchObject({
          name: 'OpenWhiskError',
          statusCode: 404,
        });
    await client.actions.create({ name: 'once', action: greet });
    await expect(client.actions.create({ name: 'once', action: greet })).rejects.toMatchObject({
      statusCode: 409,
      error: { error: expect.stringMatching(/already exists/) },
    });
    await client.actions.delete({ name: 'once' });
  });

  it('actions without their code, by their full name, and from a zip', async () => {
    const client = openwhisk();
    await client.actions.create({ name: 'whole', action: greet });
    expect((await client.actions.get({ name: 'whole' })).exec.code).toBe(greet);
    expect((await client.actions.get({ name: 'whole', code: false })).exec.code).toBeUndefined();
    const name = '/guest/whole';
    const call = { name, params: { name: 'Ada' }, blocking: true, result: true };
    expect(await client.actions.invoke(call)).toEqual({ text: 'Hello, Ada' });
    const action = await zip({ 'index.js': 'exports.main = () => ({ zipped: true })' });
    await client.actions.update({ name: 'whole', action, kind: 'nodejs:18' });
    expect(await client.actions.invoke({ ...call, name: 'whole' })).toEqual({ zipped: true });
    await client.actions.delete({ name: 'whole' });
  });

  it('versions in short form', async () => {
    const client = openwhisk();
    const action = { exec: { kind: 'nodejs:default', code: greet }, version: '1.0' };
    expect(await client.actions.create({ name: 'short', action })).toMatchObject({ version: '1.0.0' });
    await client.actions.delete({ name: 'short' });
  });

  it('routes of the API gateway', async () => {
    const client = openwhisk();
    const annotations = { 'web-export': true };
    await client.actions.create({ name: 'page', action: greet, annotations });
    const route = {
      basepath: '/club',
      relpath: '/book',
      operation: 'GET',
      action: 'page',
      responsetype: 'json',
    };
    const created = await client.routes.create(route);
    expect(created.gwApiUrl).toBe(`${ward.url}/apis/guest/club`);
    const answer = await fetch(`${created.gwApiUrl}/book?name=Ada`);
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 200,
      body: { text: 'Hello, Ada' },
    });
    const listed = await client.routes.list();
    expect(listed.apis).toHaveLength(1);
    await client.routes.delete({ basepath: '/club' });
    expect((await fetch(`${created.gwApiUrl}/book`)).status).toBe(404);
    await client.actions.delete({ name: 'page' });
  });
});

describe.skipIf(missing !== undefined)(`Adobe's aio-lib-runtime${reason}`, () => {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
  const open = (): Promise<any> => aio.init({ apihost: ward.url, api_key: ward.auth, namespace: 'guest' });

  it('deploys a project of packages, actions, sequences, triggers, rules and APIs, and removes it', async () => {
    const client = await open();
    const packages = {
      shop: {
        actions: {
          greet: { function: 'greet.js', runtime: 'nodejs:24', web: 'yes', inputs: { greeting: 'Welcome' } },
        },
        sequences: { both: { actions: 'greet' } },
        triggers: { sold: { inputs: { name: 'Ada' } } },
        rules: { greets: { trigger: 'sold', action: 'greet' } },
        apis: { shopping: { shop: { buyers: { greet: { method: 'get', response: 'json' } } } } },
      },
    };
    const entities = aio.utils.processPackage(packages, {}, {}, {}, true, { apihost: ward.url });
    expect(entities.pkgAndDeps).toMatchObject([{ name: 'shop' }]);
    await client.packages.update({ name: 'shop' });
    const annotations = { 'web-export': true, final: true };
    await client.actions.update({
      name: 'shop/greet',
      action: greet,
      params: { greeting: 'Welcome' },
      annotations,
    });
    await client.actions.update({ name: 'shop/both', sequence: ['/guest/shop/greet', '/guest/shop/greet'] });
    await client.triggers.update({ name: 'sold', trigger: { parameters: [{ key: 'name', value: 'Ada' }] } });
    await client.rules.update({ name: 'greets', trigger: '/guest/sold', action: '/guest/shop/greet' });
    await client.routes.create({
      basepath: '/shop',
      relpath: '/buyers',
      operation: 'get',
      action: 'shop/greet',
      responsetype: 'json',
    });
    const invoked = await client.actions.invoke({
      name: 'shop/greet',
      params: { name: 'Bob' },
      blocking: true,
      result: true,
    });
    expect(invoked).toEqual({ text: 'Welcome, Bob' });
    await aio.utils.undeployPackage(entities, client, () => {});
    expect(await client.actions.list()).toEqual([]);
    expect(await client.packages.list()).toEqual([]);
    expect(await client.triggers.list()).toEqual([]);
    expect(await client.rules.list()).toEqual([]);
  });

  it('creates a trigger with its feed, and deletes both', async () => {
    const client = await open();
    const trigger = {
      feed: '/whisk.system/alarms/interval',
      parameters: [{ key: 'minutes', value: 30 }],
    };
    await client.triggers.create({ name: 'half-hourly', trigger });
    await client.triggers.delete({ name: 'half-hourly' });
    expect(await client.triggers.list()).toEqual([]);
  });

  it('leaves no trigger when its feed is refused', async () => {
    const client = await open();
    const trigger = { feed: '/whisk.system/alarms/alarm', parameters: [{ key: 'cron', value: 'never' }] };
    await expect(client.triggers.create({ name: 'broken', trigger })).rejects.toThrow();
    expect(await client.triggers.list()).toEqual([]);
  });

  it('reads the log forwarding', async () => {
    const client = await open();
    expect(await client.logForwarding.get()).toEqual({ adobe_io_runtime: {} });
  });

  it('prints the logs of the latest activations', async () => {
    const client = await open();
    await client.actions.update({
      name: 'talks',
      action: 'function main() { console.log("spoken"); return {}; }',
    });
    await client.actions.invoke({ name: 'talks', blocking: true });
    const lines: string[] = [];
    await aio.utils.printFilteredActionLogs(client, (line: string) => lines.push(line), 1, ['talks']);
    expect(lines.join('\n')).toContain('spoken');
    await client.actions.delete({ name: 'talks' });
  });

  it('knows the kinds of the server', async () => {
    expect(await aio.utils.getSupportedServerRuntimes(ward.url)).toContain('nodejs:24');
  });
});
