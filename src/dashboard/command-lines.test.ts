/** The commands are given to a real shell, in which `ward` and `curl` only print their words. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  alarmLine,
  fetchLines,
  inputLine,
  inputOf,
  isForFile,
  repeatLines,
} from './web/api/command-lines.ts';
import type { RunRecord } from './web/api/runs.ts';

const id = '0123456789abcdef0123456789abcdef';

function runOf(path: string, more: Partial<RunRecord> = {}): RunRecord {
  return {
    ...{ activationId: id, name: path.split('/').at(-1) ?? '', start: 1, end: 2, duration: 1 },
    annotations: [{ key: 'path', value: path }],
    ...more,
  };
}

/** The words of the last command, and what comes to it from a pipe. */
function typed(line: string): { readonly words: readonly string[]; readonly stdin: string } {
  const print = '{ [ -t 0 ] || cat; printf "\\0%s" "$@"; }';
  const script = `ward() ${print}\ncurl() ${print}\n${line}\n`;
  const [stdin = '', ...words] = execFileSync('/bin/sh', ['-c', script], {
    encoding: 'utf8',
    input: '',
    env: { PATH: process.env['PATH'], WARD_AUTH: 'id:$(secret)', WARD_APIHOST: 'http://a.example' },
  }).split('\0');
  return { stdin, words };
}

const actions = 'http://a.example/api/v1/namespaces/_/actions';
const json = ['-u', 'id:$(secret)', '-H', 'Content-Type: application/json'];

test.each([
  'guest/hello',
  'guest/pack/hello',
  'guest/a & touch pwned',
  'guest/on upload @ 10.30 - a.b',
  'guest/it\'s $(touch pwned) `touch pwned` \\ "!#',
])('%s stays one word', (path) => {
  const name = path.slice('guest/'.length);
  const { ward, curl } = repeatLines(runOf(path), 'guest', undefined);
  expect(typed(ward).words).toEqual(['action', 'invoke', name, '--result']);
  const [url = '', ...others] = typed(curl).words.toReversed();
  expect(
    url
      .replace('?blocking=true', '')
      .slice(actions.length + 1)
      .split('/')
      .map(decodeURIComponent),
  ).toEqual(name.split('/'));
  expect(others.toReversed()).toEqual([...json, '--data-raw', '{}']);
});

test.each([
  { name: 'World' },
  { text: 'it\'s $(touch pwned) `touch pwned` \\n "quoted" !!' },
  { "'; touch pwned; '": ['\u001b]0;pwned\u0007', '\u202e', '\u009b201~', '\r\n', '\u{e0001}', '日本語'] },
  { '@/etc/passwd': '-P' },
])('the input %j arrives as it was, and a terminal sees no control character', (input) => {
  const { ward, curl } = repeatLines(runOf('guest/hello'), 'guest', { value: input });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  for (const line of [ward, curl]) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\p{Cf}]/u);
  const { words, stdin } = typed(ward);
  expect(words).toEqual(['action', 'invoke', 'hello', '-P', '-', '--result']);
  expect(JSON.parse(stdin)).toEqual(input);
  expect(JSON.parse(typed(curl).words.at(-2) ?? '')).toEqual(input);
});

test('the input of a firing is in its record, and that of a call is what Ward kept', () => {
  const { end: _, ...fired } = runOf('', {
    name: 'arrived',
    annotations: [],
    response: { result: { a: 1 } },
  });
  expect(inputOf(fired, undefined)).toEqual({ value: { a: 1 } });
  const { ward, curl } = repeatLines(fired, 'guest', { value: { a: 1 } });
  expect(typed(ward)).toEqual({ words: ['trigger', 'fire', 'arrived', '-P', '-'], stdin: '{"a":1}' });
  expect(typed(curl).words.at(-1)).toBe('http://a.example/api/v1/namespaces/_/triggers/arrived');
  const run = runOf('guest/hello', { response: { result: { a: 1 } } });
  expect(inputOf(run, { is: 'absent' })).toBeUndefined();
  expect(inputOf(run, { is: 'whole', input: { b: 1 } })).toEqual({ value: { b: 1 } });
});

test('an action of another namespace is called there', () => {
  const { ward, curl } = repeatLines(runOf('whisk.system/utils/echo'), 'guest', undefined);
  expect(typed(ward).words[2]).toBe('/whisk.system/utils/echo');
  expect(typed(curl).words.at(-1)).toContain('/namespaces/whisk.system/actions/utils/echo?');
});

test('a long input is for a file', () => {
  const input = { value: { text: 'y'.repeat(9000) } };
  expect([isForFile(input), isForFile({ value: {} }), isForFile(undefined)]).toEqual([true, false, false]);
  const { ward, curl } = repeatLines(runOf('guest/hello'), 'guest', input);
  expect(typed(ward).words).toEqual(['action', 'invoke', 'hello', '-P', 'input.json', '--result']);
  expect(typed(curl).words).toContain('@input.json');
  expect(inputLine(id, runOf('guest/hello'))).toMatch(
    /^curl .* -f .*activations\/0123456789abcdef0123456789abcdef\/input" > input.json$/,
  );
});

test('a long payload of a firing is for a file, which its record has', () => {
  const { end: _, ...fired } = runOf('', {
    name: 'arrived',
    response: { result: { text: 'y'.repeat(9000) } },
  });
  const { ward, curl } = repeatLines(fired, 'guest', inputOf(fired, undefined));
  expect(typed(ward).words).toEqual(['trigger', 'fire', 'arrived', '-P', 'input.json']);
  expect(typed(curl).words).toContain('@input.json');
  expect(inputLine(id, fired)).toBe(`ward activation result ${id} > input.json`);
});

test('the record is fetched by its id', () => {
  const { ward, curl } = fetchLines(id);
  expect(typed(ward).words).toEqual(['activation', 'get', id]);
  expect(typed(curl).words.at(-1)).toBe(`http://a.example/api/v1/namespaces/_/activations/${id}`);
});

test.each(['nightly', 'a@b', 'a b', '--help', '~', 'it\'s $(touch pwned) `touch pwned` \\ "!#'])(
  'the trigger %s stays one word',
  (name) => {
    const words = ['action', 'invoke', '/whisk.system/alarms/alarm', '-p', 'lifecycleEvent', 'CREATE'];
    const others = ['-p', 'triggerName', name, '-p', 'cron', '0 8 * * *'];
    expect(typed(alarmLine(name)).words).toEqual([...words, ...others]);
  },
);
