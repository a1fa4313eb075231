/** Each form against a real receiver that checks what its service checks. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { deliver } from './delivery.ts';
import { type Destination, parseDestination } from './destination.ts';
import { logEventOf } from './log-event.ts';
import { type Received, startReceiver } from './receiver.fixture.ts';

const source = { namespace: 'guest', action: 'box/hello', activationId: '0123456789abcdef0123456789abcdef' };
const attributes = { ...source, stream: 'stdout' };
const events = [
  logEventOf(source, '2026-11-28T20:55:01.123456000Z stdout: grüße "1"', 0),
  logEventOf(source, '2026-11-28T20:55:02.000001000Z stderr: two', 0),
];
const now = Date.UTC(2026, 10, 28, 21);

function destination(given: object): Destination {
  const parsed = parseDestination(given);
  if (parsed === undefined) throw new Error('no destination');
  return parsed;
}

async function sent(given: object): Promise<Received & { readonly endpoint: object }> {
  await using receiver = await startReceiver();
  const { endpoint, message } = destination(given);
  const way = { endpoint: { ...endpoint, port: receiver.port, isTls: false }, address: '127.0.0.1' };
  await deliver(await message(events, now), { ...way, signal: AbortSignal.timeout(5000) });
  const [received] = receiver.received;
  if (received === undefined) throw new Error('nothing was received');
  return { ...received, endpoint };
}

test('Splunk gets its token and one event for each line', async () => {
  const settings = { host: 'splunk.example', port: '8088', index: 'main', hec_token: 's3cret' };
  const { endpoint, path, headers, body } = await sent({ splunk_hec: settings });
  expect(endpoint).toMatchObject({ host: 'splunk.example', port: 8088, isTls: true });
  expect([path, headers.authorization]).toEqual(['/services/collector/event', 'Splunk s3cret']);
  const lines = body.split('\n').map((line) => JSON.parse(line));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toEqual({
    time: 1795899301.123456,
    source: '/guest/box/hello',
    sourcetype: '_json',
    index: 'main',
    event: { message: 'grüße "1"', ...attributes },
  });
  expect(lines[1].event).toMatchObject({ message: 'two', stream: 'stderr' });
});

test('New Relic gets its key and packed JSON', async () => {
  const { path, headers, body } = await sent({
    new_relic: { base_uri: 'https://log-api.newrelic.example', license_key: 's3cret' },
  });
  expect([path, headers['api-key'], headers['content-encoding']]).toEqual(['/log/v1', 's3cret', 'gzip']);
  expect(JSON.parse(body)).toEqual([
    {
      common: { attributes: { logtype: 'ward' } },
      logs: [
        { timestamp: 1795899301123, message: 'grüße "1"', attributes },
        { timestamp: 1795899302000, message: 'two', attributes: { ...attributes, stream: 'stderr' } },
      ],
    },
  ]);
});

test('Azure gets a signature that its shared key explains', async () => {
  const customer_id = '0A1B2C3D-0000-4000-8000-000000000001';
  const shared_key = Buffer.from('the shared key').toString('base64');
  const { endpoint, path, headers, body } = await sent({
    azure_log_analytics: { customer_id, shared_key, log_type: 'Ward_1' },
  });
  const host = '0a1b2c3d-0000-4000-8000-000000000001.ods.opinsights.azure.com';
  expect(endpoint).toEqual({ host, port: 443, isTls: true });
  expect(path).toBe('/api/logs?api-version=2016-04-01');
  expect(headers['log-type']).toBe('Ward_1');
  // As Microsoft's documentation has it, over the length of the body that arrived.
  const text = [
    'POST',
    headers['content-length'],
    'application/json',
    `x-ms-date:${headers['x-ms-date']}`,
    '/api/logs',
  ];
  const signature = createHmac('sha256', 'the shared key').update(text.join('\n')).digest('base64');
  expect(headers.authorization).toBe(`SharedKey ${customer_id}:${signature}`);
  expect(headers['x-ms-date']).toBe('Sat, 28 Nov 2026 21:00:00 GMT');
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
  expect(JSON.parse(body)[0]).toEqual({
    time: '2026-11-28T20:55:01.123Z',
    message: 'grüße "1"',
    ...attributes,
  });
  expect(headers['time-generated-field']).toBe('time');
});

test('an OTLP collector gets log records, with the headers of the settings', async () => {
  const { path, headers, body } = await sent({
    otlp: { endpoint: 'https://otel.example/base/', headers: { 'x-key': 's3cret' } },
  });
  expect([path, headers['x-key'], headers['content-type']]).toEqual([
    '/base/v1/logs',
    's3cret',
    'application/json',
  ]);
  const { resource, scopeLogs } = JSON.parse(body).resourceLogs[0];
  expect(resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'ward' } }]);
  expect(scopeLogs[0].logRecords[1]).toMatchObject({
    timeUnixNano: '1795899302000001000',
    severityNumber: 17,
    body: { stringValue: 'two' },
  });
  expect(scopeLogs[0].logRecords[0].attributes).toContainEqual({
    key: 'activationId',
    value: { stringValue: source.activationId },
  });
});

test('a URL whose query or fragment would be lost is refused, and the error does not quote it', () => {
  for (const more of ['?api-key=s3cret', '/v1?', '/#s3cret']) {
    const url = `https://logs.example${more}`;
    for (const [key, given] of [
      ['endpoint', { otlp: { endpoint: url } }],
      ['base_uri', { new_relic: { base_uri: url, license_key: 'key' } }],
    ] as const) {
      const [name] = Object.keys(given);
      expect(() => parseDestination(given)).toThrow(
        `The settings of ${name} are wrong: ${key}: a URL with a query or a fragment; keys go in headers.`,
      );
    }
    expect(() =>
      parseDestination({ splunk_hec: { host: url, port: 8088, index: 'main', hec_token: 'token' } }),
    ).toThrow('The settings of splunk_hec are wrong: host: not a host.');
  }
});

test('syslog gets one message behind its length for each line', async () => {
  let received = '';
  const server = createServer((socket) =>
    socket.setEncoding('utf8').on('data', (text) => (received += text)),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const { endpoint, message } = destination({ syslog: { host: 'log.example', port, protocol: 'tcp' } });
  const odd = { ...events[0], action: 'a"]\\b' } as (typeof events)[0];
  const signal = AbortSignal.timeout(5000);
  await deliver(await message([odd, ...events.slice(1)], now), { endpoint, address: '127.0.0.1', signal });
  await expect.poll(() => received).toMatch(/two$/);
  server.close();
  const bytes = Buffer.from(received);
  const length = Number.parseInt(received, 10);
  const start = String(length).length + 1;
  const [first, second] = [
    bytes.subarray(start, start + length).toString(),
    bytes.subarray(start + length).toString(),
  ];
  expect(first).toMatch(/^<134>1 2026-11-28T20:55:01\.123456Z \S+ ward - - \[ward@32473 namespace="guest" /);
  expect(first).toMatch(/ action="a\\"\\\]\\\\b" .*\] grüße "1"$/);
  expect(second).toMatch(/^\d+ <131>1 .* two$/);
});

test.each([
  [{}],
  [[]],
  [{ elsewhere: {} }],
  [{ adobe_io_runtime: {}, splunk_hec: {} }],
  [{ splunk_hec: { host: 'a.example', port: 8088, index: 'main' } }],
  [{ splunk_hec: { host: 'a.example/path', port: 8088, index: 'main', hec_token: 's3cret' } }],
  [{ splunk_hec: { host: 'me@a.example', port: 8088, index: 'main', hec_token: 's3cret' } }],
  [{ splunk_hec: { host: 'a.example', port: 0, index: 'main', hec_token: 's3cret' } }],
  [{ splunk_hec: { host: 'a.example', port: 1, index: 'main', hec_token: 's3cret\r\nx: y' } }],
  [{ new_relic: { base_uri: 'file:///etc/passwd', license_key: 's3cret' } }],
  [{ azure_log_analytics: { customer_id: 'evil.example/', shared_key: 'czNjcmV0', log_type: 'a' } }],
  [
    {
      azure_log_analytics: {
        customer_id: '0a1b2c3d-0000-4000-8000-000000000001',
        shared_key: 'czNjcmV0',
        log_type: 'a\n',
      },
    },
  ],
  [{ otlp: { endpoint: 'https://a.example', headers: { 'content-length': '0' } } }],
  [{ otlp: { endpoint: 'https://a.example', headers: { Host: 's3cret' } } }],
])('%j is no destination, and the refusal quotes no secret', (given) => {
  let text = '';
  try {
    parseDestination(given);
  } catch (error) {
    expect(error).toMatchObject({ code: 'DESTINATION_INVALID' });
    text = String(error);
  }
  expect(text).not.toBe('');
  expect(text).not.toMatch(/s3cret|czNjcmV0/);
});

test.each([
  [{ splunk_hec: { host: 'a.example', port: 1, index: 'main', hec_token: 's3cret' } }],
  [{ new_relic: { base_uri: 'https://a.example', license_key: 's3cret' } }],
  [{ otlp: { endpoint: 'https://a.example', headers: { key: 's3cret' } } }],
])('what is shown of %j has no secret', (given) => {
  const { given: whole, shown } = destination(given);
  expect(whole).toEqual(given);
  expect(JSON.stringify(shown)).toContain('a.example');
  expect(JSON.stringify(shown)).not.toContain('s3cret');
});

test('a line without a time is an event of the time when it is read', () => {
  expect(logEventOf(source, 'Logs will be truncated.', 5)).toMatchObject({
    micros: 5000,
    message: 'Logs will be truncated.',
  });
});
