import { expect, test } from 'vitest';
import { grantedBy, type LoginGrant } from './grants.ts';

const grant = (claims: LoginGrant['claims'], role: LoginGrant['role'] = 'viewer', namespace = 'shop') => ({
  ...{ claims, namespace, role },
});
const ci = { repository: 'acme/shop', ref: 'refs/heads/main', run_attempt: 1, ref_protected: true };
const person = {
  groups: ['staff', 'ops'],
  realm_access: { roles: ['dev'] },
  'https://example.com/team': 'blue',
  'a.b': 'flat',
  a: { b: 'nested' },
};

test.each<[object, LoginGrant['claims']]>([
  [person, { groups: ['ops'] }],
  [person, { groups: ['other', 'staff'] }],
  [person, { 'realm_access.roles': ['dev'] }],
  [person, { 'https://example.com/team': ['blue'] }],
  [person, { 'a.b': ['flat'] }],
  [ci, { repository: ['acme/shop'], ref: ['refs/heads/main', 'refs/heads/next'] }],
  [ci, { run_attempt: ['1'], ref_protected: ['true'] }],
])('%j meets %j', (claims, conditions) => {
  expect(grantedBy({ ...claims }, [grant(conditions)])).toEqual(new Map([['shop', 'viewer']]));
});

test.each<[object, LoginGrant['claims']]>([
  [person, {}],
  [person, { groups: ['o'] }],
  [person, { groups: ['Ops'] }],
  [person, { groups: ['staff,ops'] }],
  [person, { groups: [] }],
  [person, { 'a.b': ['nested'] }],
  [person, { 'realm_access.roles.0': ['dev'] }],
  [person, { realm_access: ['[object Object]'] }],
  [person, { missing: ['undefined'] }],
  [person, { constructor: ['function Object() { [native code] }'] }],
  [person, { '__proto__.x': ['undefined'] }],
  [{ groups: null }, { groups: ['null'] }],
  [{ groups: [['ops']] }, { groups: ['ops'] }],
  [ci, { repository: ['acme/shop'], ref: ['refs/heads/other'] }],
  [ci, { repository: ['acme/*'] }],
  [ci, { repository: ['acme/shop'], environment: ['production'] }],
])('%j does not meet %j', (claims, conditions) => {
  expect(grantedBy({ ...claims }, [grant(conditions)]).size).toBe(0);
});

test('the widest role counts, in each namespace alone', () => {
  const ops = { groups: ['ops'] };
  const granted = grantedBy({ groups: ['ops'] }, [
    grant(ops, 'deployer'),
    grant(ops, 'developer'),
    grant(ops, 'viewer'),
    grant(ops, 'viewer', 'other'),
    grant(ops, 'admin', 'mine'),
    grant(ops, 'developer', 'mine'),
    grant({ groups: ['root'] }, 'developer', 'third'),
  ]);
  expect(granted).toEqual(
    new Map([
      ['shop', 'developer'],
      ['other', 'viewer'],
      ['mine', 'admin'],
    ]),
  );
});
