import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import type { KeyScope, Right } from '../functions/index.ts';
import { guestOf } from './identity.fixture.ts';
import { neededRights, refusalByScope } from './scopes.ts';

const ns = '/api/v1/namespaces/:ns';
const all: readonly Right[] = ['read', 'deploy', 'invoke'];

test.each<[string, string, readonly Right[]]>([
  ['GET', '/api/v1/namespaces', []],
  ['GET', '/api/v1/namespaces/', []],
  ['GET', `${ns}/limits`, []],
  ['GET', `${ns}/actions`, ['read']],
  ['HEAD', `${ns}/actions`, ['read']],
  ['GET', `${ns}/actions/:name`, ['read']],
  ['GET', `${ns}/actions/:name/:inner`, ['read']],
  ['PUT', `${ns}/actions/:name`, ['deploy']],
  ['DELETE', `${ns}/actions/:name/:inner`, ['deploy']],
  ['POST', `${ns}/actions/:name`, ['invoke']],
  ['POST', `${ns}/actions/:name/:inner`, ['invoke']],
  ['GET', `${ns}/triggers/:name`, ['read']],
  ['PUT', `${ns}/triggers/:name`, ['deploy']],
  ['POST', `${ns}/triggers/:name`, ['invoke']],
  ['GET', `${ns}/rules`, ['read']],
  ['POST', `${ns}/rules/:name`, ['deploy']],
  ['PUT', `${ns}/packages/:name`, ['deploy']],
  ['GET', `${ns}/activations`, ['read']],
  ['GET', `${ns}/activations/:id`, []],
  ['GET', `${ns}/activations/:id/`, []],
  ['GET', `${ns}/activations/:id/logs`, []],
  ['GET', `${ns}/activations/:id/result`, []],
  ['GET', `${ns}/activations/:id/stream`, []],
  ['GET', `${ns}/activations/:id/input`, ['read']],
  ['GET', '/runtime/namespaces/:ns/logForwarding', ['read']],
  ['PUT', '/runtime/namespaces/:ns/logForwarding', ['deploy']],
  ['GET', '/runtime/api/v1/namespaces/:ns/actions', ['read']],
  ['POST', `${ns}/some-new-thing/:id`, all],
  ['POST', `${ns}/constructor/:id`, all],
  ['POST', '/api/v1/other', all],
])('%s %s needs %j', (method, url, rights) => {
  expect(neededRights(method, url)).toEqual(rights);
});

/** What the guard says of requests that a real router has routed. */
async function refusal(scope: KeyScope, method: 'GET' | 'PUT' | 'POST', url: string) {
  const app = fastify();
  app.addHook('onRequest', async (request) => {
    const fault = refusalByScope(request, guestOf(scope));
    if (fault !== undefined) throw fault;
  });
  for (const path of ['', '/:name', '/:name/:inner']) {
    app.route({ method: ['GET', 'PUT', 'POST'], url: `${ns}/actions${path}`, handler: async () => 'done' });
  }
  const answer = await app.inject({ method, url });
  await app.close();
  return answer.statusCode === 500 ? JSON.parse(answer.payload).message : answer.statusCode;
}

const refused = (what: string) => `The supplied authentication is not authorized to access '${what}'.`;
const actions = '/api/v1/namespaces/_/actions';

describe('a key', () => {
  test.each<[KeyScope, 'GET' | 'PUT' | 'POST', string, string | number]>([
    ['full', 'PUT', `${actions}/a`, 200],
    ['full', 'POST', `${actions}/a`, 200],
    ['deploy', 'GET', `${actions}/a`, 200],
    ['deploy', 'PUT', `${actions}/a`, 200],
    ['deploy', 'POST', `${actions}/a`, refused('guest/a')],
    ['deploy', 'POST', '/api/v1/namespaces/whisk.system/actions/alarms/alarm', 200],
    ['deploy', 'POST', '/api/v1/namespaces/other/actions/alarms/alarm', refused('other/alarms/alarm')],
    ['invoke', 'POST', `${actions}/p/a`, 200],
    ['invoke', 'POST', '/api/v1/namespaces/whisk.system/actions/utils/echo', 200],
    ['invoke', 'GET', `${actions}/p/a`, refused('guest/p/a')],
    ['invoke', 'GET', actions, refused('guest')],
    ['invoke', 'PUT', `${actions}/a`, refused('guest/a')],
    ['read', 'GET', actions, 200],
    ['read', 'POST', `${actions}/a`, refused('guest/a')],
    [
      'read',
      'POST',
      '/api/v1/namespaces/whisk.system/actions/utils/echo',
      refused('whisk.system/utils/echo'),
    ],
    ['read', 'PUT', '/api/v1/namespaces/guest/actions/a', refused('guest/a')],
    ['read', 'GET', '/nothing/here', 404],
  ])('of scope %s: %s %s', async (scope, method, url, expected) => {
    expect(await refusal(scope, method, url)).toBe(expected);
  });
});
