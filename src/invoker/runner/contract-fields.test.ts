import { expect, test } from 'vitest';
import { contractFields, identityFields } from './contract-fields.ts';

test('a program of the contract gets the environment as fields, with its place in a trace', () => {
  const env = { __OW_ACTIVATION_ID: 'a', __OW_DEADLINE: '5', TRACEPARENT: '00-1-2-01' };
  expect(contractFields(env)).toEqual({ activation_id: 'a', deadline: '5', traceparent: '00-1-2-01' });
  expect(identityFields({ ...env, __OW_NAMESPACE: 'guest' })).toMatchObject({ namespace: 'guest' });
  expect(Object.keys(identityFields(env))).toEqual(['namespace', 'action_name', 'action_version']);
});
