import { expect, test } from 'vitest';
import { hidden, looksSecret, withoutSecrets } from './secrets.ts';

test.each([
  ...['password', 'DB_PASSWORD', 'dbPassword', 'db-password', 'passwd', 'apiKey', 'API_KEY', 'apikey', 'key'],
  ...[
    'AWS_SECRET_ACCESS_KEY',
    'secret',
    'clientSecret',
    'token',
    'SLACK_TOKEN',
    'accesstoken',
    'credentials',
  ],
  ...['AUTH', 'GITHUB_AUTH', 'authorization', 'privateKey', 'require-whisk-auth', 'SENTRY_DSN', 'userPW'],
])('%s looks like the name of a secret', (name) => {
  expect(looksSecret(name)).toBe(true);
});

test.each([
  'name',
  'author',
  'keyboard',
  'monkey',
  'passenger',
  'url',
  'compass',
  'spinner',
  'authority',
  '',
])('%j does not', (name) => {
  expect(looksSecret(name)).toBe(false);
});

const pairs = (values: object) => Object.entries(values).map(([key, value]) => ({ key, value }));

test('hides and counts secrets at any depth, and keeps everything else', () => {
  const entity = {
    name: 'hello',
    parameters: pairs({
      name: 'Ada',
      password: 'p',
      db: { host: 'h', password: 'p', replicas: [{ token: 't' }] },
      address: 'postgres://user:pass@db/x',
      site: 'https://example.com/a:b@c',
      pin: 1234,
      apiKey: '',
      tokens: null,
    }),
    annotations: pairs({ 'provide-api-key': true, 'require-whisk-auth': 7, exec: 'nodejs:24' }),
  };
  const before = structuredClone(entity);
  expect(withoutSecrets(entity)).toEqual({
    count: 5,
    entity: {
      name: 'hello',
      parameters: pairs({
        name: 'Ada',
        password: hidden,
        db: { host: 'h', password: hidden, replicas: [{ token: hidden }] },
        address: hidden,
        site: 'https://example.com/a:b@c',
        pin: hidden,
        apiKey: '',
        tokens: null,
      }),
      annotations: pairs({ 'provide-api-key': true, 'require-whisk-auth': 7, exec: 'nodejs:24' }),
    },
  });
  expect(entity).toEqual(before);
});

test('hides all parameters of an entity that requests it, also in a package', () => {
  const asks = { parameters: pairs({ name: 'Ada' }), annotations: pairs({ 'hide-parameters': true }) };
  expect(withoutSecrets(asks).entity['parameters']).toEqual(pairs({ name: hidden }));
  const inPackage = { parameters: pairs({ name: 'Ada' }), actions: [asks], feeds: [] };
  expect(withoutSecrets(inPackage)).toMatchObject({
    count: 1,
    entity: {
      parameters: pairs({ name: 'Ada' }),
      actions: [{ parameters: pairs({ name: hidden }) }],
      feeds: [],
    },
  });
});
