import { describe, expect, it } from 'vitest';
import type { ActionReply } from './action-http.ts';
import { initOutcome, runOutcome } from './action-replies.ts';

const reply = (status: number, text: string, more: Partial<ActionReply> = {}): ActionReply => ({
  status,
  text,
  lengthBytes: text.length,
  isCut: false,
  ...more,
});
const notValid = 'The action did not produce a valid JSON or JSON Array response';

describe('what a reply to a run means', () => {
  it.each([
    [reply(200, '{"a":1}'), { kind: 'value', value: { a: 1 }, json: '{"a":1}' }],
    [reply(200, ' [1, 2] '), { kind: 'value', value: [1, 2], json: '[1,2]' }],
    [reply(200, '{"error":"x"}'), { kind: 'value', value: { error: 'x' }, json: '{"error":"x"}' }],
    [reply(200, ''), { kind: 'refused', error: `${notValid}.` }],
    [reply(200, 'null'), { kind: 'refused', error: `${notValid}: null` }],
    [reply(200, '7'), { kind: 'refused', error: `${notValid}: 7` }],
    [reply(200, '{"a":'), { kind: 'refused', error: `${notValid}: {"a":` }],
    [reply(200, '{"a', { isCut: true, lengthBytes: 9 }), { kind: 'too-large', lengthBytes: 9, head: '{"a' }],
    [reply(201, '{"a":1}'), { kind: 'refused', error: `${notValid}: {"a":1}` }],
    [reply(502, '{"error":{"b":2}}'), { kind: 'refused', error: { b: 2 } }],
    [reply(500, '{"error":1', { isCut: true }), { kind: 'refused', error: `${notValid}: {"error":1` }],
    [reply(503, '{"error":"later"}'), { kind: 'busy', error: 'later' }],
  ])('%j', (given, outcome) => {
    expect(runOutcome(given)).toEqual(outcome);
  });

  it('accepts nothing that nests too deeply', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    expect(runOutcome(reply(200, deep))).toMatchObject({ kind: 'refused' });
    expect(runOutcome(reply(500, `{"error":${deep}}`))).toMatchObject({
      error: expect.stringContaining(notValid),
    });
  });

  it('shows 64 KiB of a reply that is not JSON', () => {
    const outcome = runOutcome(reply(200, 'x'.repeat(1_000_000)));
    expect(JSON.stringify(outcome).length).toBeLessThan(70_000);
  });
});

describe('what a reply to an initialisation means', () => {
  it.each([
    [reply(200, 'whatever'), { kind: 'ok' }],
    [reply(403, '{"error":"once only"}'), { kind: 'refused', error: 'once only' }],
    [reply(500, ''), { kind: 'refused', error: 'The action failed during initialization.' }],
    [reply(404, 'not here'), { kind: 'refused', error: 'The action failed during initialization: not here' }],
  ])('%j', (given, outcome) => {
    expect(initOutcome(given)).toEqual(outcome);
  });
});
