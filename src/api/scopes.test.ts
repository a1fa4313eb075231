import { type FastifyContextConfig, fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import type { KeyScope } from '../functions/index.ts';
import { guestOf } from './identity.fixture.ts';
import { refuseUndeclaredRoutes } from './route-access.ts';
import { refusalByScope } from './scopes.ts';

const ns = '/api/v1/namespaces/:ns';
/** The guard's answer to requests that a real router has routed. */
async function refusal(scope: KeyScope, method: 'GET' | 'PUT' | 'POST', url: string) {
  const app = fastify();
  app.addHook('onRequest', async (request) => {
    const fault = refusalByScope(request, guestOf(scope));
    if (fault !== undefined) throw fault;
  });
  const rights = { GET: 'read', PUT: 'deploy', POST: 'invoke' } as const;
  for (const path of ['', '/:name', '/:name/:inner']) {
    for (const [verb, access] of Object.entries(rights)) {
      app.route({
        method: verb,
        url: `${ns}/actions${path}`,
        config: { access },
        handler: async () => 'done',
      });
    }
  }
  app.get('/any', { config: { access: 'any-key' } }, async () => 'done');
  app.get('/undeclared', async () => 'done');
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
    ['invoke', 'GET', '/any', 200],
    ['read', 'GET', '/undeclared', refused('guest')],
    ['full', 'GET', '/undeclared', refused('guest')],
  ])('of scope %s: %s %s', async (scope, method, url, expected) => {
    expect(await refusal(scope, method, url)).toBe(expected);
  });
});

describe('a route', () => {
  const register = async (isKeyed: boolean, config?: FastifyContextConfig) => {
    const app = fastify();
    refuseUndeclaredRoutes(app);
    app.register(async (scope) => {
      if (isKeyed) scope.decorateRequest('identity', undefined);
      scope.route({ method: 'GET', url: '/new', handler: async () => 'done', ...(config && { config }) });
    });
    await app.ready();
    await app.close();
  };

  test.each<[string, boolean, FastifyContextConfig | undefined, string]>([
    ['without a right', true, undefined, 'GET /new does not say who may use it'],
    ['without a right, where no key is required', false, {}, 'GET /new does not say who may use it'],
    ['that reads, where no key is required', false, { access: 'read' }, 'nothing asks for a key'],
    ['for any key, where none is required', false, { access: 'any-key' }, 'nothing asks for a key'],
    ['that checks by itself, among those with keys', true, { access: 'own-check' }, 'a key is asked for'],
  ])('%s does not register', async (_what, isKeyed, config, text) => {
    await expect(register(isKeyed, config)).rejects.toThrow(text);
  });

  test.each<[boolean, FastifyContextConfig]>([
    [true, { access: 'read' }],
    [true, { access: 'anyone' }],
    [false, { access: 'anyone' }],
    [false, { access: 'own-check' }],
  ])('with a right registers: key required %s, %j', async (isKeyed, config) => {
    await expect(register(isKeyed, config)).resolves.toBeUndefined();
  });
});
