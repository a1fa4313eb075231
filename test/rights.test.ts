/**
 * Every route of a running server × every kind of client: checks the rights in docs/api.md. The routes come from the
 * server's own table, so a route that the document does not name fails here.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from './fuzz/target.ts';
import { documentedName, rightOf, rights } from './rights/documented.ts';
import {
  everybody,
  first,
  identities,
  mark,
  openPlace,
  own,
  type Place,
  type Request,
  type Standing,
  type Who,
} from './rights/place.ts';
import { missingForSandboxes } from './ward.ts';

const missing = missingForSandboxes();
const noDigest = `sha256:${'0'.repeat(64)}`;
/** Prefix of the only routes that a sandbox's port serves to a lent key. */
const inside = '/api/v1/namespaces';

describe.skipIf(missing !== undefined)(`rights${missing ? ` (${missing})` : ''}`, () => {
  let place: Place;
  const { ask, json }: Pick<Place, 'ask' | 'json'> = {
    ask: (...request) => place.ask(...request),
    json: (...request) => place.json(...request),
  };
  beforeAll(async () => {
    // Vitest runs a failed test again, but no hook.
    place = await openPlace().catch((error: unknown) => {
      console.error(`flaky: test/rights.test.ts: ${error}`);
      return openPlace();
    });
  });
  afterAll(() => place?.[Symbol.asyncDispose]());

  let fresh = 0;
  /** With the right, the request targets something unneeded; without it, something that exists. */
  function requestFor({ method, url }: Route, isAllowed: boolean): [path: string, body?: object] {
    const isRead = method === 'GET' || method === 'HEAD';
    const name = isAllowed && !isRead ? `free-${++fresh}` : 'secret';
    const kind = /:name\/|packages/.test(url) ? '-box' : (/triggers|rules/.exec(url)?.[0] ?? '');
    const path = url
      .replace(':ns', 'guest')
      .replace(':name', name === 'secret' ? `secret${kind}` : name)
      .replace(':inner', name)
      .replace(':id', place.activation)
      .replace(':digest', noDigest)
      .replace(':token', 'no-such-token')
      .replace('*', 'x');
    return isRead || method === 'OPTIONS' ? [path] : [path, {}];
  }

  const state = async () => {
    const lists = [
      'actions?limit=0',
      'packages',
      'triggers',
      'rules',
      'actions/secret',
      'actions/secret-box/',
    ];
    const read = await Promise.all(lists.map((path) => json(first, 'GET', own(path))));
    return [...read, await json(first, 'GET', own('rules/secretrules'))];
  };
  /** Routes with shared content that others see too; none of it is guest's. */
  const isShared = ({ method, url }: Route) => method === 'GET' && /:ns\/packages\/?$/.test(url);

  const keyed = () => place.target.routes.map((route) => ({ route, right: rightOf(route) }));
  const named = ({ method, url }: Route) => `${method} ${url}`;

  it('the document names every route, and no other', () => {
    const served = new Set(place.target.routes.map(documentedName));
    expect([...rights.keys()].filter((each) => !served.has(each) && !each.startsWith('OPTIONS /v2'))).toEqual(
      [],
    );
    expect(rights.size).toBeGreaterThan(80);
  });

  it('each route declares what the document says', () => {
    const words = { 'no key': 'anyone', own: 'own-check', 'any key': 'any-key' } as const;
    const wrong = keyed().flatMap(({ route, right }) => {
      if (right === undefined)
        return ['any-key', 'anyone', 'operator'].includes(route.access) ? [] : [named(route)];
      const wanted = right in words ? words[right as keyof typeof words] : right;
      return wanted === route.access ? [] : [`${named(route)}: ${route.access}, told: ${right}`];
    });
    expect(wrong).toEqual([]);
  });

  it.each(everybody)('refuses what a client has no right to, and reveals nothing: %s', async (who) => {
    const standing: Standing = identities[who];
    const before = await state();
    const wrong: string[] = [];
    let asked = 0;
    for (const { route, right } of keyed()) {
      if (right === 'own' || right === 'no key' || (right === undefined && route.access === 'anyone'))
        continue;
      const isIn = typeof standing === 'object' && standing.includes(right ?? 'any key');
      const isElsewhere = standing === 'stranger' && (right === undefined || !route.url.includes(':ns'));
      const isOperators = route.access === 'operator';
      if (!isOperators && (isIn || isElsewhere)) continue;
      asked++;
      const [path, body] = requestFor(route, false);
      const answer = await ask(who, route.method, path, body);
      const wanted =
        standing === 'nobody' || isOperators ? 401 : standing === 'stranger' && isShared(route) ? 200 : 403;
      if (answer.status !== wanted) wrong.push(`${named(route)}: ${answer.status}, not ${wanted}`);
      if (String(answer.body).includes(mark)) wrong.push(`${named(route)} shows what it must not`);
    }
    expect(wrong).toEqual([]);
    if (who !== first) expect(asked).toBeGreaterThan(3);
    expect(await state()).toEqual(before);
  });

  it.each(everybody)('accepts what a client has a right to: %s', async (who) => {
    const standing: Standing = identities[who];
    const wrong: string[] = [];
    for (const { route, right } of keyed()) {
      if (right === 'own' || route.access === 'operator') continue;
      const isOpen = right === 'no key' || (right === undefined && route.access === 'anyone');
      const isIn = typeof standing === 'object' && standing.includes(right ?? 'any key');
      const isElsewhere = standing === 'stranger' && (right === undefined || !route.url.includes(':ns'));
      if (!isOpen && !isIn && !isElsewhere) continue;
      const [path, body] = requestFor(route, true);
      const { status, body: shown } = await ask(who, route.method, path, body);
      if (right === undefined ? status !== 405 : [401, 403, 405].includes(status))
        wrong.push(`${named(route)}: ${status}`);
      const tells =
        isIn && route.method === 'GET' && /:(?:name|inner|id)(?:\/|$)/.test(route.url) && status === 200;
      if (
        tells &&
        !/\/stream$/.test(route.url) &&
        !String(shown).includes('secret') &&
        !String(shown).includes(mark)
      )
        wrong.push(`${named(route)} shows nothing`);
    }
    expect(wrong).toEqual([]);
  });

  it('a lent key has all rights of its namespace in its sandbox, and its port leads nowhere else', async () => {
    const routes = keyed().filter(({ right }) => right !== 'own');
    const requests = routes.map(({ route }): Request => [route.method, ...requestFor(route, true)]);
    const foreign: Request[] = [
      ['GET', '/api/v1/namespaces/other/actions/secret'],
      ['PUT', '/api/v1/namespaces/other/packages/free', {}],
      ['GET', '/v2/_catalog'],
      ['GET', '/metrics'],
      ['GET', '/api/v1/web/guest/default/web.json'],
      ['GET', '/apis/guest/x'],
    ];
    const answers = await place.askInside([...requests, ...foreign]);
    const wrong = routes.flatMap(({ route, right }, index) => {
      const [status = 0] = answers[index] ?? [];
      const isServed = route.url.startsWith(inside) && route.method !== 'OPTIONS';
      const fits = !isServed
        ? status === 404
        : right === undefined
          ? status === 405
          : ![401, 403, 405].includes(status);
      return fits ? [] : [`${named(route)}: ${status}`];
    });
    expect(wrong).toEqual([]);
    expect(answers.slice(routes.length).map(([status]) => status)).toEqual([403, 403, 404, 404, 404, 404]);
  }, 120_000);

  describe('routes with a check of their own', () => {
    const keys = ['admin', 'full', 'deploy', 'invoke', 'read'].map(
      (scope) => `a key of the scope ${scope}` as Who,
    );
    const but = (some: Partial<Record<Who, number>>, rest: number): Record<Who, number> =>
      Object.fromEntries(everybody.map((who) => [who, some[who] ?? rest])) as Record<Who, number>;
    const each = (whom: readonly Who[], status: number) =>
      Object.fromEntries(whom.map((who) => [who, status]));
    const ofScopes = (...scopes: string[]) => scopes.map((scope) => `a key of the scope ${scope}` as Who);
    const tokened = 'a token of the registry';
    const other = 'a key of another namespace';
    const manifest = '/v2/guest/app/manifests/1';
    const none = `/v2/guest/app/manifests/${noDigest}`;

    const cases: [what: string, method: string, path: string, expected: Record<Who, number>][] = [
      ['/v2', 'GET', '/v2', but({ ...each([...keys, tokened, other], 200) }, 401)],
      ['/v2/*', 'GET', '/v2/_catalog', but(each([...keys, tokened, other], 200), 401)],
      [
        '/v2/*',
        'GET',
        manifest,
        but(
          {
            ...each([...ofScopes('admin', 'full', 'deploy', 'read'), tokened], 200),
            ...each([...ofScopes('invoke'), other], 403),
          },
          401,
        ),
      ],
      [
        '/v2/*',
        'DELETE',
        none,
        but(
          {
            ...each([...ofScopes('admin', 'full', 'deploy'), tokened], 404),
            ...each([...ofScopes('invoke', 'read'), other], 403),
          },
          401,
        ),
      ],
      [
        '/v2/*',
        'POST',
        '/v2/guest/app/blobs/uploads/',
        but(
          {
            ...each([...ofScopes('admin', 'full', 'deploy'), tokened], 202),
            ...each([...ofScopes('invoke', 'read'), other], 403),
          },
          401,
        ),
      ],
      ['/metrics', 'GET', '/metrics', but({ 'the token for metrics': 200 }, 401)],
      ['/ward/v1/cluster/join', 'POST', '/ward/v1/cluster/join', but({}, 400)],
      ['/ward/v1/cluster/renewal', 'POST', '/ward/v1/cluster/renewal', but({}, 400)],
      ['/console/session', 'POST', '/console/session', but({}, 403)],
      ['/console/session', 'DELETE', '/console/session', but({}, 403)],
      ['/console/session/issuer', 'POST', '/console/session/issuer', but({}, 403)],
      ['/console/session/choice', 'GET', '/console/session/choice', but({}, 403)],
      ['/console/session/choice', 'POST', '/console/session/choice', but({}, 403)],
      // Leads to the login page.
      ['/console/session/callback', 'GET', '/console/session/callback', but({}, 303)],
      ['/ward/v1/session', 'GET', '/ward/v1/session', but(each(['no key', ...keys, other], 200), 401)],
      ['/ward/v1/token', 'POST', '/ward/v1/token', but({}, 400)],
      ['/ward/v1/token', 'DELETE', '/ward/v1/token', but(each([...keys, other], 403), 401)],
      ['/webhooks/:token', 'POST', '/webhooks/no-such-token', but({}, 404)],
      ['/apis/*', 'GET', '/apis/guest/none', but({}, 404)],
      // Only at a domain of a namespace.
      ['/*', 'GET', '/web.json', but({}, 404)],
      ['/api/v1/web/*', 'GET', '/api/v1/web/guest/default/web.json', but({}, 200)],
      ['/api/v1/web/*', 'GET', '/api/v1/web/guest/default/secret.json', but({}, 404)],
      [
        '/api/v1/web/*',
        'GET',
        '/api/v1/web/guest/default/guarded.json',
        but(each([...ofScopes('admin', 'full', 'invoke'), other], 200), 401),
      ],
    ];

    beforeAll(async () => {
      await json(first, 'PUT', own('actions/guarded'), {
        exec: { kind: 'nodejs:24', code: 'function main() { return {} }' },
        annotations: [
          { key: 'web-export', value: true },
          { key: 'require-whisk-auth', value: true },
        ],
      });
    });

    it('are all tried', () => {
      const tried = new Set(cases.map(([url]) => url));
      const served = place.target.routes.filter(({ access }) => access === 'own-check');
      expect([...new Set(served.map(({ url }) => url))].toSorted()).toEqual([...tried].toSorted());
    });

    it.each(cases)('%s: %s %s', async (_url, method, path, expected) => {
      const got: Record<string, number> = {};
      for (const who of everybody) got[who] = (await ask(who, method, path)).status;
      expect(got).toEqual(expected);
    });
  });
});
