import { expect, test } from 'vitest';
import { connectionUrl, parseStoreSetting } from './store-setting.ts';

const postgres = (text: string) => {
  const setting = parseStoreSetting(text);
  if (setting.engine === 'sqlite') throw new Error('not a URL');
  return setting;
};

test('without the setting, the databases are in the data folder', () => {
  expect(parseStoreSetting(undefined)).toEqual({ engine: 'sqlite' });
});

test('the password is taken out of the URL, and put back only for the client', () => {
  const setting = postgres(
    'postgresql://ward:s%40x@db:5433/w%20d?sslmode=verify-full&passfile=%2Fa&sslrootcert=/ca',
  );
  expect(setting).toEqual({
    engine: 'postgres',
    url: 'postgres://ward@db:5433/w%20d?sslmode=verify-full&sslrootcert=%2Fca',
    ...{ user: 'ward', host: 'db', port: 5433, database: 'w d', password: 's@x' },
    ...{ passwordFile: '/a', tlsFiles: ['/ca'] },
  });
  expect(connectionUrl(setting, 'p@/:?')).toMatch(/^postgres:\/\/ward:p%40%2F%3A%3F@db:5433\/w%20d\?/);
  expect(connectionUrl(setting, undefined)).toBe(setting.url);
});

test.each([
  ['postgres://ward@/ward?host=%2Frun%2Fpg', '/run/pg', 5432],
  ['postgres://ward@%2Frun%2Fpg/ward', '/run/pg', 5432],
  ['postgres://ward@[::1]:6000/ward', '::1', 6000],
  ['postgres://ward@/ward', 'localhost', 5432],
])('%s leads to %s', (text, host, port) => {
  expect(postgres(text)).toMatchObject({ host, port });
});

test.each([
  ['mysql://ward:secret@db/ward', "'mysql://' is no store"],
  ['ward:secret@db', 'not the URL'],
  ['postgres://ward:secret@db', 'not the URL'],
  ['postgres://db/secret', 'not the URL'],
  ['postgres://ward:sec/ret@db/ward', 'not the URL'],
  ['postgres://ward:secret@a,b/ward', 'several servers'],
  ['postgres://ward:secret@db:0/ward', 'not an address'],
  ['postgres://ward:secret@db:99999/ward', 'not an address'],
  ['postgres://ward:secret@db/ward?options=-c', "unknown parameter 'options'"],
  ['postgres://ward:secret@db/ward?sslmode=require', 'sslmode'],
  ['postgres://ward:secret%@db/ward', 'hexadecimal'],
])('%s is refused with a message that lacks the password', (text, problem) => {
  const parse = () => parseStoreSetting(text);
  expect(parse).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(problem) }),
  );
  expect(parse).not.toThrow('secret');
});
