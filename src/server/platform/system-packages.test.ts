/** The actions of `/whisk.system` that run in sandboxes: each gives the results of its samples. */
import { compileFunction } from 'node:vm';
import { expect, test } from 'vitest';
import { readSystemPackages, type SystemAction } from './system-packages.ts';

const packages = await readSystemPackages();
const actions = packages.flatMap(({ name, actions: own }) =>
  own.map((action) => [`${name}/${action.name}`, action] as const),
);
const byPath = new Map<string, SystemAction>(actions);

/** Runs an action like the runner: CommonJS, JSON in and out. */
function call(action: SystemAction | undefined, args: object, env: object = {}): unknown {
  const exports: { main?: (args: unknown) => unknown } = {};
  const globals = ['exports', 'process', 'console'];
  compileFunction(action?.code ?? '', globals)(exports, { env }, { log() {} });
  return JSON.parse(JSON.stringify(exports.main?.(structuredClone(args))));
}

test('are those of OpenWhisk’s catalogue that need no external service', () => {
  expect([...byPath.keys()].toSorted()).toEqual([
    'samples/greeting',
    'samples/helloWorld',
    'samples/wordCount',
    'utils/cat',
    'utils/date',
    'utils/echo',
    'utils/head',
    'utils/hosturl',
    'utils/namespace',
    'utils/smash',
    'utils/sort',
    'utils/split',
  ]);
});

test.each(actions.filter(([, { annotations }]) => 'sampleInput' in annotations))(
  '%s returns its sample output',
  (_, action) => {
    const { sampleInput, sampleOutput } = action.annotations;
    expect(call(action, Object(sampleInput))).toEqual(sampleOutput);
  },
);

test.each([
  ['utils/cat', {}, { lines: [], payload: '' }],
  ['utils/echo', { a: [1, { b: null }] }, { a: [1, { b: null }] }],
  ['utils/head', { lines: ['a', 'b'] }, { lines: ['a'], num: 1 }],
  ['utils/split', { payload: 'a\r\nb\nc' }, { lines: ['a', 'b', 'c'], payload: 'a\r\nb\nc' }],
  ['utils/smash', {}, { error: "Expected an argument '$fieldName' of type 'string'." }],
  ['utils/namespace', {}, { namespace: 'guest' }],
  ['utils/hosturl', {}, { url: 'http://h/api/v1/namespaces/guest/actions' }],
  ['utils/hosturl', { path: 'p/a' }, { url: 'http://h/api/v1/namespaces/guest/actions/p/a' }],
  ['utils/hosturl', { path: 't', trigger: true }, { url: 'http://h/api/v1/namespaces/guest/triggers/t' }],
  ['utils/hosturl', { path: 'p/t', trigger: true }, { error: 'triggers are not allowed in packages.' }],
  ['utils/hosturl', { path: 'a', web: true }, { url: 'http://h/api/v1/web/guest/default/a.json' }],
  ['utils/hosturl', { path: 'p/a', web: true, ext: '.svg' }, { url: 'http://h/api/v1/web/guest/p/a.svg' }],
  [
    'utils/hosturl',
    { path: 'a', web: true, ext: '.exe' },
    { error: 'extension for web action must be one of [.html, .http, .json, .svg, .text].' },
  ],
  ['utils/hosturl', { web: true, trigger: true }, { error: 'triggers are not allowed for web actions.' }],
  ['samples/greeting', {}, { payload: 'Hello, stranger from somewhere!' }],
  ['samples/wordCount', { payload: '  one\ttwo ' }, { count: 2 }],
])('%s of %j', (path, args, expected) => {
  const env = { __OW_API_HOST: 'http://h', __OW_NAMESPACE: 'guest' };
  expect(call(byPath.get(path), args, env)).toEqual(expected);
});

test('utils/date is the time of the call', () => {
  const before = Date.now();
  const { date } = Object(call(byPath.get('utils/date'), {}));
  expect(Date.parse(date)).toBeGreaterThanOrEqual(before);
});

test('utils/smash accepts any property name', () => {
  const smashed = call(byPath.get('utils/smash'), { a: 1, $fieldName: '__proto__' });
  expect(JSON.stringify(smashed)).toBe('{"__proto__":{"a":1}}');
});
