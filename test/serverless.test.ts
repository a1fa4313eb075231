/**
 * A project of the Serverless Framework 3 with its plugin for OpenWhisk: deployed, called, deployed again and removed
 * by the unmodified programs, which the set-up of the tests installs.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { root } from './docs/markdown.ts';
import { missingForSandboxes, Ward } from './ward.ts';

// The set-up is plain JavaScript, without types.
const { serverlessDir } = await import(String(new URL('../scripts/setup/clients.mjs', import.meta.url)));
const packages = join(String(serverlessDir(root)), 'node_modules');
const missing =
  missingForSandboxes() ?? (existsSync(packages) ? undefined : 'needs node scripts/setup.mjs --tests');

const project = `
service: greetings
frameworkVersion: '3'
provider:
  name: openwhisk
  runtime: nodejs:18
plugins:
  - serverless-openwhisk
functions:
  hello:
    handler: handler.hello
    parameters:
      name: Ada
    events:
      - schedule: cron(0 0 * * *)
      - trigger: greeted
  page:
    handler: handler.page
    events:
      - http: GET /api/page
  shout:
    handler: handler.shout
  both:
    sequence:
      - hello
      - shout
`;
const handler = `
'use strict';
module.exports.hello = ({ name }) => { console.log('greets', name); return { greeting: 'Hello, ' + name }; };
module.exports.page = ({ name = 'nobody' }) => ({ page: name });
module.exports.shout = ({ greeting = '' }) => ({ greeting: greeting.toUpperCase() });
`;

describe.skipIf(missing)(`the Serverless Framework${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let folder: string;

  beforeAll(async () => {
    ward = await Ward.start();
    folder = await mkdtemp(join(tmpdir(), 'ward-serverless-'));
    await symlink(packages, join(folder, 'node_modules'));
    await mkdir(join(folder, 'service'));
    await writeFile(join(folder, 'service/serverless.yml'), project);
    await writeFile(join(folder, 'service/handler.js'), handler);
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const serverless = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(
      [process.execPath, join(packages, 'serverless/bin/serverless.js'), ...args],
      {
        cwd: join(folder, 'service'),
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          OW_APIHOST: ward.url,
          OW_AUTH: ward.auth,
          OW_APIGW_ACCESS_TOKEN: 'any',
          SLS_TELEMETRY_DISABLED: '1',
          SLS_NOTIFICATIONS_MODE: 'off',
        },
        timeoutMs: 110_000,
      },
    );
    if (code !== 0) throw new Error(`serverless ${args.join(' ')}: ${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  };

  test('deploys, calls, deploys again, and removes', async () => {
    const deployed = await serverless('deploy');
    expect(deployed).toContain('greetings-dev-hello');
    expect(deployed).toContain(`${ward.url}/apis/guest/api/page`);

    expect(await serverless('invoke', '-f', 'hello', '-d', '{"name":"Bo"}')).toContain(
      '"greeting": "Hello, Bo"',
    );
    expect(await serverless('invoke', '-f', 'both')).toContain('"greeting": "HELLO, ADA"');
    expect(await serverless('logs', '-f', 'hello')).toContain('greets');
    const page = await fetch(`${ward.url}/apis/guest/api/page?name=Eve`);
    expect([page.status, await page.json()]).toEqual([200, { page: 'Eve' }]);

    expect(await serverless('deploy')).toContain('greetings-dev-hello');
    await serverless('remove');
    for (const kind of ['actions', 'triggers', 'rules', 'packages']) {
      const { body } = await ward.request('GET', `/api/v1/namespaces/_/${kind}`);
      expect({ kind, body }).toEqual({ kind, body: [] });
    }
  });
});
