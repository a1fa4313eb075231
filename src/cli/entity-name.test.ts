import { expect, test } from 'vitest';
import { parseEntityName } from './entity-name.ts';

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
