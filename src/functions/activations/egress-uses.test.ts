import { expect, test } from 'vitest';
import { egressUsesOf, mostTargets } from './egress-uses.ts';

const connection = (name: string | undefined, port = 443) => ({
  ...(name === undefined ? {} : { name }),
  ...{ address: '203.0.113.7', port, protocol: 'tcp', at: 1 },
});
const refused = (detail: string) => ({ kind: 'egress', detail, at: 1 }) as const;
const bytes = { sentBytes: 3, receivedBytes: 5 };

test('a call that reached one target has its bytes there, with the tries that were refused beside it', () => {
  const uses = egressUsesOf({
    traffic: { ...bytes, connections: [connection('a.example'), connection('a.example')] },
    violations: [
      refused('name evil.example: no rule allows it'),
      refused('name EVIL.example: no rule allows it'),
      { kind: 'pids', detail: 'name a: b', at: 1 },
    ],
  });
  expect(uses).toEqual([
    { target: 'a.example', port: 443, protocol: 'tcp', refusal: '', attempts: 2, ...bytes },
    {
      ...{ target: 'evil.example', port: 0, protocol: 'dns', refusal: 'no rule allows it', attempts: 2 },
      ...{ sentBytes: 0, receivedBytes: 0 },
    },
  ]);
});

test('the bytes of several targets, and of none, count without a target', () => {
  const several = egressUsesOf({
    traffic: { ...bytes, connections: [connection('a.example'), connection(undefined, 80)] },
  });
  expect(
    several?.map(({ target, port, attempts, sentBytes }) => [target, port, attempts, sentBytes]),
  ).toEqual([
    ['a.example', 443, 1, 0],
    ['203.0.113.7', 80, 1, 0],
    ['', 0, 0, 3],
  ]);
  expect(egressUsesOf({ traffic: bytes })).toMatchObject([{ target: '', attempts: 0, ...bytes }]);
  expect(egressUsesOf({ violations: [] })).toBeUndefined();
});

test('a call has a limited number of targets, and no text that a database refuses', () => {
  const names = Array.from({ length: 500 }, (_, index) => refused(`name a\0${index}: \0no\n`));
  const uses = egressUsesOf({ violations: [...names, refused('name \0')] }) ?? [];
  expect(uses).toHaveLength(mostTargets + 1);
  expect(uses[0]).toMatchObject({ target: 'a?0', refusal: ' no ', attempts: 1 });
  expect(uses.at(-1)).toMatchObject({ target: '', refusal: 'several reasons', attempts: 491 });
});
