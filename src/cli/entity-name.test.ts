import { expect, test } from 'vitest';
import { parseEntityName, parseNamespace, parseScope, parseSimpleName } from './entity-name.ts';

test.each([
  ['hello', ['namespaces', '_', 'actions', 'hello']],
  ['pack/hello', ['namespaces', '_', 'actions', 'pack', 'hello']],
  ['/ns/hello', ['namespaces', 'ns', 'actions', 'hello']],
  ['/_/pack/a b', ['namespaces', '_', 'actions', 'pack', 'a b']],
])('%s', (text, segments) => {
  expect(parseEntityName(text, '_').segments('actions')).toEqual(segments);
});

test.each(['', '/', '/ns', '/ns/', 'a//b', 'a/', 'a/b/c', '/ns/a/b/c', '..', '/../x', './x'])(
  'refuses %j',
  (text) => {
    expect(() => parseEntityName(text, '_')).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
  },
);

test('an entity outside packages has a name of one part', () => {
  expect(parseSimpleName('/ns/t', '_', 'trigger')).toMatchObject({
    namespace: 'ns',
    path: 't',
    full: '/ns/t',
  });
  for (const text of ['a/b', '/ns/a/b', '', '/ns/', '..'])
    expect(() => parseSimpleName(text, '_', 'trigger')).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID', message: expect.stringContaining('a trigger') }),
    );
});

test.each([
  [undefined, '_', undefined],
  ['/ns', 'ns', undefined],
  ['/ns/', 'ns', undefined],
  ['pack', '_', 'pack'],
  ['/ns/pack', 'ns', 'pack'],
])('the scope %j is %s, %s', (text, namespace, packageName) => {
  expect(parseScope(text, '_')).toEqual({ namespace, package: packageName });
});

test('a namespace can be written without its slash, but with nothing after it', () => {
  expect([undefined, '/ns', 'ns', '/ns/'].map((text) => parseNamespace(text, '_'))).toEqual([
    '_',
    'ns',
    'ns',
    'ns',
  ]);
  for (const text of ['/', '/ns/pack', 'a/b', '..'])
    expect(() => parseNamespace(text, '_')).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
  for (const text of ['/', '/..', '/ns/a/b', 'a/b'])
    expect(() => parseScope(text, '_')).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
});
