/** Every violation that the check must report, and what it must accept. */
import { describe, expect, it } from 'vitest';
import { judge } from './check.ts';
import {
  type Answer,
  alarmMarker,
  type Evidence,
  type KeptRecord,
  type Kind,
  noEvidence,
  type Run,
} from './evidence.ts';

const killAt = 1_000_000;
const slots = 1;

const answer = (kind: Kind, status: number, more: Partial<Answer> = {}): Answer => {
  return { kind, marker: 'm', status, activationId: 'a', at: 0, ...more };
};
const run = (activationId = 'a', token = '1', marker = 'm'): Run => ({ activationId, marker, token });
const record = (activationId = 'a', more: Partial<KeptRecord> = {}): KeptRecord => {
  return { activationId, name: 'plain', isSuccess: true, error: '', ...more };
};
const failed = (error: string, activationId = 'a') => record(activationId, { isSuccess: false, error });
const firing = (...parts: NonNullable<KeptRecord['parts']>) => record('f', { parts });
const interruption = 'The activation was interrupted: the server that had it stopped or was cut off.';

function judged(evidence: Partial<Evidence>) {
  return judge({ ...noEvidence, ...evidence }, slots);
}

const accepted = answer('accepted', 202);
const retried = answer('retried', 202);
const thrice = [run('a', '1'), run('a', '2'), run('a', '3')];
const blocking = answer('blocking', 200);
const internal = answer('blocking', 500);
const refused = { kind: 'blocking', marker: 'm', at: 0 } as const;

describe('the judgement', () => {
  it.each<[what: string, evidence: Partial<Evidence>]>([
    [
      'a call that ran though Ward did not know whether it has accepted it',
      {
        answers: [{ ...refused, kind: 'accepted', status: 503, hasRetryAfter: true, isDoubtful: true }],
        runs: [run()],
        records: [record()],
      },
    ],
    ['an accepted call that ran', { answers: [accepted], runs: [run()], records: [record()] }],
    ['one that says why it could not', { answers: [accepted], records: [failed('The action was deleted.')] }],
    [
      'one that was interrupted while it ran',
      { answers: [accepted], runs: [run()], records: [failed(interruption)] },
    ],
    [
      'one that a silent node had',
      {
        answers: [accepted],
        records: [failed('The activation was interrupted: node n had it, and it is not heard any more')],
      },
    ],
    ['one that was asked to run again', { answers: [retried], runs: thrice, records: [record()] }],
    [
      'one that three faults interrupted',
      {
        answers: [retried],
        runs: thrice,
        records: [failed(interruption)],
        ...{ kills: [{ at: killAt }, { at: killAt + 1 }], silences: [killAt + 2] },
      },
    ],
    ['an internal error that says why', { answers: [internal], records: [failed(interruption)] }],
    ['a result', { answers: [blocking], runs: [run()], records: [record()] }],
    ['a result that was said to have no record', { answers: [{ ...blocking, isLost: true }], runs: [run()] }],
    [
      'a result right before a kill',
      { answers: [{ ...blocking, at: killAt - 500 }], runs: [run()], kills: [{ at: killAt }] },
    ],
    [
      'a result that was read just after the kill',
      { answers: [{ ...blocking, at: killAt + 20 }], runs: [run()], kills: [{ at: killAt }] },
    ],
    [
      'a part without a record, of a composition that a kill has interrupted',
      {
        answers: [answer('conductor', 202, { activationId: 'f' })],
        runs: [run('a')],
        kills: [{ at: killAt }],
        records: [record('f', { isSuccess: false, error: interruption, parts: [] })],
      },
    ],
    ['a call that was cut off', { answers: [{ ...refused, status: 0 }], runs: [run()] }],
    ['a refusal', { answers: [{ ...refused, status: 503, hasRetryAfter: true }] }],
    ['a refusal for lack of room', { answers: [{ ...refused, status: 429, hasRetryAfter: true }] }],
    [
      'a firing',
      {
        answers: [answer('firing', 202, { activationId: 'f' })],
        runs: [run()],
        records: [firing({ activationId: 'a' }), record()],
      },
    ],
    [
      'a firing whose rule was refused',
      { answers: [answer('firing', 202, { activationId: 'f' })], records: [firing({ error: 'too many' })] },
    ],
    [
      'a sequence',
      {
        answers: [answer('sequence', 200, { activationId: 'f' })],
        runs: [run('a'), run('b')],
        records: [firing({ activationId: 'a' }, { activationId: 'b' }), record('a'), record('b')],
      },
    ],
    [
      'an alarm',
      { runs: [run('a', '1', alarmMarker), run('b', '2', alarmMarker)], records: [record('a'), record('b')] },
    ],
    ['a counter that is right', { counters: [{ name: 'records', says: 2, counted: 2 }] }],
  ])('lets pass: %s', (_, evidence) => {
    expect(judged(evidence).violations).toEqual([]);
  });

  it.each<[rule: string, what: string, evidence: Partial<Evidence>]>([
    ['no record', 'an accepted call that is lost', { answers: [accepted] }],
    ['no record', 'a result without a record', { answers: [blocking] }],
    ['no record', 'an internal error that names an activation', { answers: [internal], runs: [run()] }],
    [
      'an internal error whose record says success',
      'a call that ran',
      { answers: [internal], runs: [run()], records: [record()] },
    ],
    [
      'an internal error that says nothing',
      'a call that ran',
      { answers: [internal], runs: [run()], records: [failed('')] },
    ],
    [
      'an internal error without a fault',
      'a call that ran',
      { answers: [internal], runs: [run()], records: [failed('odd')], isCalm: true },
    ],
    [
      'no record',
      'a result long before a kill',
      { answers: [{ ...blocking, at: killAt - 5000 }], kills: [{ at: killAt }] },
    ],
    [
      'no record',
      'a result of one server right before the kill of another',
      {
        answers: [{ ...blocking, at: killAt - 500, via: 'one' }],
        kills: [{ at: killAt, instance: 'other' }],
      },
    ],
    [
      'no record',
      'a result after a kill',
      { answers: [{ ...blocking, at: killAt + 300 }], kills: [{ at: killAt }] },
    ],
    [
      'no record',
      'an accepted call right before a kill',
      { answers: [{ ...accepted, at: killAt - 5 }], kills: [{ at: killAt }] },
    ],
    [
      'no record of a part',
      'a firing whose call is lost',
      {
        answers: [answer('firing', 202, { activationId: 'f' })],
        records: [firing({ activationId: 'a' })],
      },
    ],
    [
      'a firing without its rule',
      'a firing that ran nothing',
      {
        answers: [answer('firing', 202, { activationId: 'f' })],
        records: [firing()],
      },
    ],
    [
      'a firing that says nothing',
      'a rule that failed silently',
      {
        answers: [answer('firing', 202, { activationId: 'f' })],
        records: [firing({ error: '' })],
      },
    ],
    [
      'success without a run',
      'a record of a run that was none',
      { answers: [accepted], records: [record()] },
    ],
    ['not run, and does not say why', 'a silent failure', { answers: [accepted], records: [failed('')] }],
    [
      'interrupted before they began',
      'an accepted call',
      { answers: [accepted], records: [failed(interruption)] },
    ],
    [
      'ran twice',
      'the same activation',
      {
        answers: [answer('sequence', 200)],
        runs: [run('a', '1'), run('a', '2')],
        records: [record()],
      },
    ],
    [
      'ran too often',
      'the same call as another activation',
      {
        answers: [accepted],
        runs: [run('a'), run('b')],
        records: [record('a'), record('b')],
      },
    ],
    [
      'ran twice',
      'a call that may run three times',
      { answers: [retried], runs: [...thrice, run('a', '4')], records: [record()] },
    ],
    [
      'ran twice',
      'a call that may run again, without a fault',
      { answers: [retried], runs: thrice.slice(1), records: [record()], isCalm: true },
    ],
    [
      'not run again',
      'a call that asked for it',
      { answers: [retried], runs: [run()], records: [failed(interruption)], kills: [{ at: killAt }] },
    ],
    ['ran unasked', 'what nobody called', { runs: [run()], records: [record()] }],
    [
      'ran though refused',
      'a refused call',
      {
        answers: [{ ...refused, status: 503, hasRetryAfter: true }],
        runs: [run()],
        records: [record()],
      },
    ],
    [
      'ran without a record',
      'what the queue had',
      {
        answers: [{ ...refused, kind: 'accepted', status: 0 }],
        runs: [run()],
      },
    ],
    [
      'interrupted without a fault',
      'an accepted call that ran',
      { answers: [accepted], runs: [run()], records: [failed(interruption)], isCalm: true },
    ],
    ['doubled record', 'one id twice', { records: [record(), record()] }],
    ['wrong counter', 'of records', { counters: [{ name: 'records', says: 2, counted: 3 }] }],
    ['left in the queue', 'a row', { queued: ['a'] }],
    ['left on the machine', 'a mount', { left: ['mounts: /x'] }],
    [
      'ran without a record',
      'a part of a composition that was interrupted without a kill',
      {
        answers: [answer('conductor', 202, { activationId: 'f' })],
        runs: [run('a')],
        records: [record('f', { isSuccess: false, error: interruption, parts: [] })],
      },
    ],
    ['an internal error', 'status 500', { answers: [{ ...refused, status: 500 }] }],
    [
      'a refusal that does not say when to come again',
      'status 507',
      { answers: [{ ...refused, status: 507 }] },
    ],
    [
      'a refusal that does not say when to come again',
      'status 429',
      { answers: [{ ...refused, status: 429 }] },
    ],
    ['an answer without an activation', 'status 202', { answers: [{ ...refused, status: 202 }] }],
  ])('turns red, %s: %s', (rule, _, evidence) => {
    expect(judged(evidence).violations.map((each) => each.rule)).toContain(rule);
  });

  it('lets a kill interrupt as many calls before they begin as there are slots', () => {
    const two = [accepted, answer('accepted', 202, { marker: 'n', activationId: 'b' })];
    const records = [failed(interruption), failed(interruption, 'b')];
    const one = judged({ answers: two.slice(1), records, kills: [{ at: killAt }] });
    expect({ neverBegun: one.counts.neverBegun, violations: one.violations }).toEqual({
      neverBegun: 1,
      violations: [],
    });
    const { violations } = judged({ answers: two, records, kills: [{ at: killAt }] });
    expect(violations.map(({ rule }) => rule)).toEqual(['interrupted before they began']);
  });
});
