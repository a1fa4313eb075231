/** Makes requests for any route from only its method and pattern, and guesses the rest. */
import fc from 'fast-check';
import { bodies, entities, manifestType } from './fixtures.ts';
import { hostileText, mutatedDocument, mutatedText } from './hostile.ts';
import type { Ask, Route, Target } from './target.ts';

const names = [
  ...entities.map(([path]) => path.slice(path.indexOf('/') + 1)),
  'fresh1',
  'fresh2',
  'utils',
  'alarms',
];
const queries = {
  number: ['limit', 'skip', 'since', 'upto', 'timeout', 'n'],
  truth: ['count', 'docs', 'blocking', 'result', 'overwrite', 'code', 'force'],
  text: [
    'name',
    'rule',
    'digest',
    'mount',
    'from',
    'last',
    'scope',
    'service',
    'artifactType',
    'basepath',
    'relpath',
    'operation',
    'spaceguid',
  ],
};
const types = [
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'text/plain',
  'application/octet-stream',
  'multipart/form-data; boundary=x',
  manifestType,
  'application/json; charset=utf-16',
  '',
];
const headerNames = [
  'accept',
  'accept-encoding',
  'content-range',
  'range',
  'if-none-match',
  'origin',
  'x-request-id',
  'x-forwarded-for',
  'x-require-whisk-auth',
  'cookie',
  'expect',
  'te',
  'x-ow-extra-logging',
  'access-control-request-headers',
  'x-ward-signature',
  'x-http-method-override',
];
const headerValues = [
  '*/*',
  'application/json',
  'text/html;q=0',
  'bytes=0-',
  '0-99',
  '*',
  'gzip',
  'http://evil',
  '100-continue',
  '127.0.0.1, ::1',
  'on',
  't=1,v1=00',
];

/** Values for the wildcard at the end of a path, by the route's prefix. */
function tails(target: Target): Readonly<Record<string, readonly string[]>> {
  const { manifest, blob } = target.known;
  return {
    '/v2/': [
      ...[
        '',
        '_catalog',
        'token',
        'guest/app/tags/list',
        'guest/app/manifests/1',
        `guest/app/manifests/${manifest}`,
      ],
      ...[
        `guest/app/blobs/${blob}`,
        'guest/app/blobs/uploads/',
        'guest/new/blobs/uploads/',
        `guest/app/referrers/${manifest}`,
      ],
      `guest/app/blobs/uploads/${crypto.randomUUID()}`,
    ],
    '/api/v1/web/': [
      'guest/default/web',
      'guest/default/web.json',
      'guest/default/web.http/a/b',
      'guest/box/inner.html',
      'guest/default/fails.svg',
      'guest/default/seed.text',
      'whisk.system/apimgmt/getApi.http',
      'whisk.system/apimgmt/createApi.http',
      'whisk.system/utils/echo.json',
    ],
    '/apis/': ['guest/api/x/1', 'guest/api', 'guest'],
    '': ['guest', 'a/b'],
  };
}

const namespace = fc.oneof(
  { weight: 6, arbitrary: fc.constant('_') },
  { weight: 2, arbitrary: fc.constantFrom('guest', 'whisk.system') },
  { weight: 1, arbitrary: hostileText },
);

function parameter(name: string, { known }: Target): fc.Arbitrary<string> {
  if (name === 'ns') return namespace;
  const value =
    name === 'id'
      ? fc.constantFrom(known.activation, '0'.repeat(32), 'bell')
      : name === 'digest'
        ? fc.constantFrom(known.manifest, known.blob)
        : fc.constantFrom(...names.map((each) => each.split('/').at(-1) ?? each), 'box', 'bound');
  return fc.oneof({ weight: 5, arbitrary: value }, { weight: 2, arbitrary: hostileText });
}

function pathOf(url: string, target: Target): fc.Arbitrary<string> {
  const parts = url.split(/(:\w+|\*)/).map((part, index, all): fc.Arbitrary<string> => {
    if (part.startsWith(':')) return parameter(part.slice(1), target);
    if (part !== '*') return fc.constant(part);
    const [, seeds = []] =
      Object.entries(tails(target)).find(([start]) => (all[index - 1] ?? '').startsWith(start)) ?? [];
    return fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...seeds) },
      { weight: 3, arbitrary: mutatedText(seeds) },
    );
  });
  return fc
    .tuple(...parts)
    .map((all) => all.map((part, index) => (index % 2 === 0 ? part : escaped(part))).join(''));
}

const query = fc
  .array(
    fc.oneof(
      fc.tuple(
        fc.constantFrom(...queries.number),
        fc.oneof(fc.constantFrom('0', '1', '200', '1e3', '-1', '9'.repeat(30)), hostileText),
      ),
      fc.tuple(
        fc.constantFrom(...queries.truth),
        fc.oneof(fc.constantFrom('true', 'false', 'yes', '0', 'TRUE', ''), hostileText),
      ),
      fc.tuple(
        fc.constantFrom(...queries.text),
        fc.oneof(fc.constantFrom('seed', 'guest/seed', 'repository:guest/app:pull,push'), hostileText),
      ),
      fc.tuple(hostileText, hostileText),
    ),
    { maxLength: 3 },
  )
  .map((pairs) =>
    pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.map(escaped).join('=')).join('&')}`,
  );

const body = fc.oneof(
  { weight: 12, arbitrary: mutatedDocument(bodies) },
  {
    weight: 1,
    arbitrary: mutatedText([
      'a=1&b=%20&__ow_path=x',
      '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    ]).map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

function headers({ key }: Target): fc.Arbitrary<Record<string, string>> {
  const authorization = fc.oneof(
    { weight: 20, arbitrary: fc.constant(key) },
    { weight: 1, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: mutatedText([key, 'Bearer abc', 'Basic Og==']) },
  );
  const type = fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    { weight: 3, arbitrary: fc.constantFrom(...types) },
    { weight: 1, arbitrary: hostileText },
  );
  const others = fc.array(
    fc.tuple(fc.constantFrom(...headerNames), fc.oneof(fc.constantFrom(...headerValues), hostileText)),
    { maxLength: 2 },
  );
  return fc.tuple(authorization, type, others).map(([auth, contentType, more]) =>
    Object.fromEntries(
      [['authorization', auth], ['content-type', contentType], ...more]
        .map(([name = '', value = '']) => [name, printable(value)] as const)
        // Node's client waits for an answer to this one before it sends a body.
        .filter(([name, value]) => value !== '' && name !== 'expect'),
    ),
  );
}

export function requestsFor(route: Route, target: Target): fc.Arbitrary<Ask> {
  return fc
    .record({ path: pathOf(route.url, target), query, headers: headers(target), body })
    .map(({ path, query: search, headers: given, body: bytes }) => {
      const takesBody = !['GET', 'HEAD', 'OPTIONS'].includes(route.method);
      const sent = takesBody ? bytes : undefined;
      const length: Record<string, string> =
        sent === undefined ? {} : { 'content-length': String(sent.length) };
      return { method: route.method, path: `${path}${search}`, headers: { ...given, ...length }, body: sent };
    });
}

/** Escapes only what a request line can't contain: dots and slashes stay. */
function escaped(text: string): string {
  return text.toWellFormed().replaceAll(/[^!$&'()*+,\-./\w:;=@~%]/gu, (each) => encodeURIComponent(each));
}

/** Removes what a header can't contain. */
function printable(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
    .trim();
}
