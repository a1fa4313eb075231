import { expect, test } from 'vitest';
import { parseSyslogServer } from './syslog-server.ts';

test.each([
  ['tls://logs.example.com', { host: 'logs.example.com', port: 6514, isTls: true }],
  ['tcp://10.0.0.7:1514', { host: '10.0.0.7', port: 1514, isTls: false }],
  ['tcp://[2001:db8::1]/', { host: '2001:db8::1', port: 601, isTls: false }],
])('%s', (text, server) => {
  expect(parseSyslogServer(text)).toEqual({ ...server, address: text });
});

test.each([
  'logs.example.com:514',
  'udp://a',
  'tls://',
  'tcp://u:p@a',
  'tcp://a/b',
  'tcp://a?b',
  'tcp://a:0x1',
])('%s names no server', (text) => {
  expect(parseSyslogServer(text)).toBeUndefined();
});
