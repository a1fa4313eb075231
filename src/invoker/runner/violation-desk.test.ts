import { describe, expect, it } from 'vitest';
import type { ViolationReport } from '../../dispatch/index.ts';
import { violation } from '../../sandbox/index.ts';
import { CulpritNotes } from './culprit.ts';
import type { Failure } from './runner.ts';
import { createViolationDesk } from './violation-desk.ts';

const env = { __OW_NAMESPACE: 'acme', __OW_ACTION_NAME: '/acme/a', __OW_ACTIVATION_ID: 'first' };
const tooMany = violation('pids', 'too many', 5);

function open() {
  const reports: ViolationReport[] = [];
  const desk = createViolationDesk((report) => reports.push(report));
  const notes = new CulpritNotes();
  const { promise: ended, resolve } = Promise.withResolvers<Failure>();
  desk.watch('box', { note: (each) => notes.note(each), ended });
  return { desk, notes, reports, end: () => resolve('ended') };
}

describe('a violation', () => {
  it('belongs to the action of its sandbox and to the activation that runs there', () => {
    const { desk, notes, reports } = open();
    const id = notes.own(env);
    desk.take('box', tooMany);
    expect(notes.end(id)).toEqual([tooMany]);
    notes.begin('second');
    expect(notes.end('second')).toBeUndefined();
    expect(reports).toEqual([{ ...tooMany, namespace: 'acme', action: '/acme/a', activationIds: ['first'] }]);
  });

  it('belongs to all activations that run in the sandbox at once', () => {
    const { desk, notes, reports } = open();
    notes.end(notes.own(env));
    notes.begin('a');
    notes.begin('b');
    desk.take('box', tooMany);
    expect([notes.end('a'), notes.end('b')]).toEqual([[tooMany], [tooMany]]);
    expect(reports[0]?.activationIds).toEqual(['a', 'b']);
  });

  it('belongs to the last activation if it is reported late, and then is in no record', () => {
    const { desk, notes, reports } = open();
    notes.end(notes.own(env));
    desk.take('box', tooMany);
    expect(reports[0]?.activationIds).toEqual(['first']);
  });

  it('belongs to no activation if the sandbox is blank, gone or unknown', async () => {
    const { desk, notes, reports, end } = open();
    desk.take('box', tooMany);
    notes.own(env);
    end();
    await Promise.resolve();
    desk.take('box', tooMany);
    desk.take('other', tooMany);
    const nobody = { ...tooMany, namespace: undefined, action: undefined, activationIds: [] };
    expect(reports).toEqual([nobody, nobody, nobody]);
  });

  it('is recorded at most twenty times for one activation, but reported each time', () => {
    const { desk, notes, reports } = open();
    const id = notes.own(env);
    for (let count = 0; count < 50; count++) desk.take('box', tooMany);
    expect(notes.end(id)).toHaveLength(20);
    expect(reports).toHaveLength(50);
  });
});
