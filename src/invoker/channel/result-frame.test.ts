import { expect, test } from 'vitest';
import { resultIn } from './result-frame.ts';

const read = (text: string) => resultIn(text, Buffer.from(text));

test.each(['{"x":"ü, \\u0000"}', '[1,{"a":null}]', '{}'])('takes %s out unchanged', (json) => {
  const found = read(`{"type":"result","late":true,"id":"0a","ok":true,"value":${json}}`);
  const value: unknown = JSON.parse(json);
  expect(found?.message).toEqual({ type: 'result', quiet: false, late: true, id: '0a', ok: true, value });
  expect(found?.result.json).toBe(json);
  expect(found?.result.utf8.toString()).toBe(json);
});

test.each([
  ['another kind of frame', '{"type":"init-ok","id":"0a","ok":true,"value":{}}'],
  ['an error', '{"type":"result","id":"0a","ok":false,"error":"no"}'],
  ['blanks', '{"type":"result", "id":"0a","ok":true,"value":{}}'],
  ['a value that is neither object nor array', '{"type":"result","id":"0a","ok":true,"value":1}'],
])('leaves %s to the usual reader', (_, text) => {
  expect(read(text)).toBeUndefined();
});

test.each(['{},"value":[]', '{}}', '{}  ,"id":"0b"', '{"a":1'])('does not take %s for a value', (value) => {
  const text = `{"type":"result","id":"0a","ok":true,"value":${value}}`;
  expect(() => read(text)).toThrow(SyntaxError);
});

test('leaves bytes that are not UTF-8 to the usual reader', () => {
  const bytes = Buffer.from('{"type":"result","id":"0a","ok":true,"value":{"x":"\xff"}}', 'latin1');
  expect(resultIn(bytes.toString(), bytes)).toBeUndefined();
});
