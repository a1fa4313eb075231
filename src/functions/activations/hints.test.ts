import { expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import type { JsonValue } from '../../lib/index.ts';
import { type AllowedLimits, hintFor } from './hints.ts';
import { type ActivationEnd, endWithoutSandbox } from './record.ts';
import type { CodeTask } from './task.ts';

const limits = { timeoutMs: 1000, memoryMiB: 128, logBytes: 1024, concurrency: 1 };
const task = (more: Partial<CodeTask> = {}): CodeTask => ({
  type: 'code',
  activationId: 'a',
  transactionId: 't',
  namespace: 'guest',
  action: '/guest/pack/hello',
  version: '0.0.1',
  revision: 'r',
  kind: 'nodejs:24',
  code: { digest: digestOf(Buffer.alloc(0)), binary: false, main: 'main' },
  limits,
  initEnv: {},
  parameters: {},
  acceptedAt: 0,
  ...more,
});
const failed = (error: JsonValue, more: Partial<ActivationEnd> = {}): ActivationEnd => ({
  ...endWithoutSandbox('action developer error', { error }, 0, 1),
  ...more,
});
const allowed: AllowedLimits = { maxActionMemory: 512, maxActionTimeout: 1500 };
const update = 'ward action update pack/hello';

const noWayOut =
  'this function has no egress rules, so its sandbox cannot connect to anything: ' +
  `${update} --egress HOST (if the operator allows it)`;

test.each<[string, JsonValue, Partial<CodeTask>, string | undefined]>([
  [
    'out of memory',
    'The action exhausted its memory and was aborted.',
    {},
    `raise --memory (at most 512 MB): ${update} --memory 256`,
  ],
  [
    'Python out of memory',
    'MemoryError',
    { kind: 'python:3.13' },
    `raise --memory (at most 512 MB): ${update} --memory 256`,
  ],
  [
    'the most memory',
    'The action exhausted its memory and was aborted.',
    { limits: { ...limits, memoryMiB: 512 } },
    'it already has the allowed maximum, --memory 512: do less in one call, or ask the operator to raise the limit',
  ],
  [
    'a package of npm',
    "Initialization has failed due to: Error: Cannot find module '@a/b/c'\nRequire stack:",
    {},
    `@a/b/c is not in nodejs:24, so deploy it with the code: npm install @a/b in the folder of the code, then ${update} FOLDER`,
  ],
  [
    'a file',
    { message: "Cannot find module './tool.js'", code: 'MODULE_NOT_FOUND' },
    {},
    `the code was deployed without ./tool.js: deploy its folder, with all its files: ${update} FOLDER`,
  ],
  [
    'a package of Python',
    "No module named 'yaml.nodes'",
    { kind: 'python:3.13' },
    `yaml.nodes is not in python:3.13, so deploy it with the code: pip install --target . PyYAML in the folder of the code, then ${update} FOLDER`,
  ],
  [
    'a package of Python by its own name',
    "No module named 'requests.auth'",
    { kind: 'python:3.13' },
    `requests.auth is not in python:3.13, so deploy it with the code: pip install --target . requests in the folder of the code, then ${update} FOLDER`,
  ],
  [
    'a missing part of an existing Python module',
    "ModuleNotFoundError: No module named 'os.nope'; 'os' is not a package",
    { kind: 'python:3.13' },
    undefined,
  ],
  ['another language’s words', "No module named 'yaml'", {}, undefined],
  [
    'fetch',
    { message: 'fetch failed', cause: { code: 'ECONNRESET' } },
    {},
    noWayOut.replace('HOST', 'HOST:PORT'),
  ],
  [
    'a cause',
    {
      message: 'fetch failed',
      cause: { message: 'getaddrinfo EAI_AGAIN api.example.com', code: 'EAI_AGAIN' },
    },
    {},
    noWayOut.replace('HOST', 'api.example.com'),
  ],
  [
    'urllib',
    '<urlopen error [Errno -3] Temporary failure in name resolution>',
    { kind: 'python:3.13' },
    noWayOut.replace('HOST', 'HOST:PORT'),
  ],
  [
    'requests',
    "Max retries: Failed to resolve 'x' (NameResolutionError)",
    { kind: 'python:3.13' },
    noWayOut.replace('HOST', 'HOST:PORT'),
  ],
  [
    'its own address',
    'connect ECONNREFUSED 127.0.0.1:5432',
    {},
    `127.0.0.1 is the sandbox itself, where nothing else listens. Use the name of the service: ${update} --egress HOST:PORT (if the operator allows it)`,
  ],
  [
    'the API, without a key',
    'Unknown Error From API: connect ECONNREFUSED 127.0.0.1:3233',
    {},
    `only actions that are given a key can reach the API of the platform: ${update} --annotation provide-api-key true`,
  ],
  [
    'the API, which the server does not offer',
    { message: 'fetch failed', cause: { message: 'connect ECONNREFUSED 127.0.0.1:3233' } },
    { providesApiKey: true },
    'this server gives sandboxes no port for its API (`sandbox.allow.api`, or gVisor)',
  ],
  [
    'the API, under gVisor',
    'connect ECONNREFUSED 127.0.0.1:3233',
    { providesApiKey: true, sandbox: { id: 'x', tier: 'gvisor' } },
    'a sandbox under gVisor has no port for the API of the platform',
  ],
  [
    'a network that it has',
    'fetch failed',
    { sandbox: { id: 'x', egress: [{ host: 'api.example.com', ports: [443] }] } },
    undefined,
  ],
  ['its own words', 'no luck', {}, undefined],
  ['no words', { statusCode: 404 }, {}, undefined],
])('%s', async (_, error, more, hint) => {
  expect(await hintFor(task(more), failed(error), allowed)).toBe(hint);
});

test('suggests a time limit up to the allowed maximum', async () => {
  const late = failed('The action exceeded its time limits of 1000 milliseconds.', { timedOut: true });
  expect(await hintFor(task(), late, allowed)).toBe(
    `raise --timeout (at most 1500 ms): ${update} --timeout 1500`,
  );
  expect(await hintFor(task(), late, undefined)).toBe(`raise --timeout: ${update} --timeout 2000`);
  expect(await hintFor(task({ namespace: 'other' }), late, undefined)).toContain(
    'ward action update /guest/pack/hello ',
  );
});

test('reads from the log why a process died', async () => {
  const text = 'The action did not produce a valid response and exited unexpectedly.';
  const log = Promise.resolve(['FATAL ERROR: Reached heap limit - JavaScript heap out of memory']);
  expect(await hintFor(task(), failed(text, { log }), allowed)).toContain('raise --memory');
  expect(await hintFor(task(), failed(text), allowed)).toBeUndefined();
});

test('names the connection that the rules refused', async () => {
  const violations = [{ kind: 'egress', detail: 'name evil.example.com: no rule allows it', at: 0 }] as const;
  const sandbox = { id: 'x', egress: [{ host: 'api.example.com', ports: [443] }] };
  expect(await hintFor(task({ sandbox }), failed('fetch failed', { violations }), allowed)).toBe(
    'its egress rules do not allow this (name evil.example.com: no rule allows it): ' +
      `${update} --egress evil.example.com (if the operator allows it), and repeat its present rules`,
  );
});

test('reads only the beginning of an error', async () => {
  expect(await hintFor(task(), failed(`${'E'.repeat(1_000_000)}fetch failed`), allowed)).toBeUndefined();
});
