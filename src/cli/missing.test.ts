import { expect, test } from 'vitest';
import type { JsonObject } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import { type ListEntities, namingMissing } from './missing.ts';

const notFound = cliFault('NOT_FOUND', 'The requested resource does not exist.', { hint: 'ward x list' });
const there: Readonly<Record<string, readonly JsonObject[]>> = {
  'namespaces/_/actions': [
    { namespace: 'guest', name: 'hello' },
    { namespace: 'guest/tools', name: 'shout' },
  ],
  'namespaces/guest/actions': [{ namespace: 'guest', name: 'hello' }],
  'namespaces/_/actions/tools/': [{ namespace: 'guest/tools', name: 'shout' }],
  'namespaces/_/packages': [{ namespace: 'guest', name: 'tools' }],
  'namespaces/others/packages': [{ namespace: 'others', name: 'tools' }],
  'namespaces/_/triggers': [{ namespace: 'guest', name: 'nightly' }],
  'namespaces/guest/triggers': [{ namespace: 'guest', name: 'nightly' }],
};
const list: ListEntities = async (path) => {
  const found = there[path.join('/')];
  if (found === undefined) throw notFound;
  return found;
};

test.each([
  ['actions/helo', 'action helo does not exist', 'did you mean hello? ward x list'],
  ['actions/shout', 'action shout does not exist', 'did you mean tools/shout? ward x list'],
  ['actions/tools/shuot', 'action tools/shuot does not exist', 'did you mean tools/shout? ward x list'],
  [
    'actions/tols/shout',
    'package tols does not exist',
    'did you mean tools/shout? ward package list shows all, and ward package create NAME makes one',
  ],
  [
    'actions/unlike/shout',
    'package unlike does not exist',
    'ward package list shows all, and ward package create NAME makes one',
  ],
  ['triggers/nightl', 'trigger nightl does not exist', 'did you mean nightly? ward x list'],
  ['rules/any', 'rule any does not exist', 'ward x list'],
  ['actions/unlike-all-of-them', 'action unlike-all-of-them does not exist', 'ward x list'],
])('%s is named, with a suggestion', async (path, message, hint) => {
  const call = { path: ['namespaces', '_', ...path.split('/')] };
  expect(await namingMissing(notFound, call, null, list)).toMatchObject({
    code: 'NOT_FOUND',
    message,
    hint,
  });
});

test.each([
  ['namespaces', '_', 'activations', 'x'],
  ['namespaces', '_', 'actions', 'tools', ''],
  ['elsewhere'],
])('%s/%s: other answers stay as they are', async (...path) => {
  expect(await namingMissing(notFound, { path }, null, list)).toBe(notFound);
});

test.each([
  ['helo', 'did you mean hello? ward action update NAME FILE, or --docker IMAGE, makes one'],
  ['unlike-all-of-them', 'ward action update NAME FILE, or --docker IMAGE, makes one'],
])('a change of %s, which does not exist, needs code', async (name, hint) => {
  const fault = cliFault('REQUEST_INVALID', 'exec undefined');
  const call = { path: ['namespaces', '_', 'actions', name] };
  expect(await namingMissing(fault, call, { error: 'exec undefined' }, list)).toMatchObject({
    code: 'REQUEST_INVALID',
    message: `action ${name} does not exist, and a new one needs code`,
    hint,
  });
});

const notShared = cliFault('NOT_AUTHORISED', 'not authorized', { hint: 'use another key' });

test.each([
  ['guest/actions/helo', notFound, 'did you mean /guest/hello? ward x list'],
  ['others/actions/tols/shout', notShared, 'did you mean /others/tools/shout? use another key'],
  ['others/actions/unlike/shout', notShared, 'use another key'],
  ['others/actions/shout', notShared, 'use another key'],
  ['_/actions/tols/shout', notShared, 'use another key'],
  ['others/actions/tols/', notShared, 'use another key'],
])('%s: the suggestion includes the namespace', async (path, fault, hint) => {
  const call = { path: ['namespaces', ...path.split('/')] };
  expect(await namingMissing(fault, call, null, list)).toMatchObject({ code: fault.code, hint });
});

test.each([
  ['Sequence component does not exist.', '/guest/helo', ' (/guest/helo)', 'did you mean /guest/hello?'],
  ['trigger /guest/nighly does not exist', '/guest/nighly', '', 'did you mean /guest/nightly?'],
  ['Sequence component does not exist.', '/guest/zzz', ' (/guest/zzz)', 'ward action list shows all'],
])('%s: the missing part %s is named', async (said, missing, named, hint) => {
  const fault = cliFault('REQUEST_INVALID', said);
  const call = { path: ['namespaces', '_', 'actions', 'x'] };
  expect(await namingMissing(fault, call, { error: said, missing }, list)).toMatchObject({
    code: 'REQUEST_INVALID',
    message: `${said}${named}`,
    hint,
  });
});
