import { describe, expect, test } from 'vitest';
import type { SandboxExit } from '../sandbox/index.ts';
import { programResultOf } from './program-result.ts';
import { resultOf } from './suite.ts';
import type { Technique } from './types.ts';

const exit: SandboxExit = {
  code: 0,
  signal: null,
  outOfMemory: false,
  seccompKill: false,
  killed: false,
  runtimeError: '',
};

const end = (stdout: string, changes: Partial<SandboxExit> = {}, stderr = '') =>
  programResultOf({ exit: { ...exit, ...changes }, stdout, stderr, isOverdue: false });

describe('a program’s end', () => {
  test.each([
    ['what it says', end('\nBLOCKED EPERM no\n'), { outcome: 'BLOCKED', answer: 'EPERM', detail: 'no' }],
    ['an escape in a line', end('noise\nESCAPED got in\n'), { outcome: 'ESCAPED', detail: 'got in' }],
    [
      'an escape more than a refusal, whichever comes first',
      end('BLOCKED EPERM\nESCAPED got in\n'),
      { outcome: 'ESCAPED', detail: 'got in' },
    ],
    [
      'a kill for a system call',
      end('', { code: 159, signal: 'SIGSYS', seccompKill: true }),
      { outcome: 'BLOCKED', answer: 'killed', detail: 'SIGSYS' },
    ],
    [
      'a kill for memory',
      end('', { code: 137, signal: 'SIGKILL', outOfMemory: true }),
      { outcome: 'BLOCKED', answer: 'killed', detail: 'out of memory' },
    ],
  ])('%s counts', (_, programResult, expected) => expect(programResult).toEqual(expected));

  test.each([
    ['ends in silence', end('', { code: 3 }), 'it ended without an answer (exit 3)'],
    [
      'fails',
      end('', { code: 1 }, 'Traceback\nNameError: x\n'),
      'it ended without an answer (exit 1): NameError: x',
    ],
    [
      'is not started',
      end('', { code: 1, runtimeError: 'no such file' }),
      'the runtime could not start it: no such file',
    ],
    [
      'takes too long',
      programResultOf({ exit: { ...exit, killed: true }, stdout: '', stderr: '', isOverdue: true }),
      'it gave no answer in time',
    ],
    ['says half a word', end('BLOCKED'), 'it ended without an answer (exit 0)'],
    ['says it in the middle of a line', end('x ESCAPED y'), 'it ended without an answer (exit 0)'],
  ])('that %s is not an answer', (_, programResult, detail) =>
    expect(programResult).toMatchObject({ outcome: 'ERROR', detail }),
  );
});

const technique: Technique = {
  name: 'one',
  vector: 'escape',
  title: 'try',
  reference: 'open(2)',
  control: 'seccomp',
  expects: ['EPERM'],
  program: '',
};

describe('a technique’s result', () => {
  test('says whether the answer is an expected one', () => {
    const blocked = (answer: string) =>
      resultOf(technique, { outcome: 'BLOCKED', answer, detail: '' }, false);
    expect(blocked('EPERM')).toMatchObject({ outcome: 'BLOCKED', asExpected: true });
    expect(blocked('ENOENT')).toMatchObject({ outcome: 'BLOCKED', asExpected: false });
  });

  test('is no escape under gVisor if the technique says why, and only there', () => {
    const got = { outcome: 'ESCAPED', detail: 'got it' } as const;
    const forgiving = { ...technique, harmlessInGvisor: 'it is its own' };
    expect(resultOf(forgiving, got, true)).toMatchObject({ outcome: 'BLOCKED', answer: 'gvisor' });
    expect(resultOf(forgiving, got, false)).toMatchObject({ outcome: 'ESCAPED', asExpected: false });
    expect(resultOf(technique, got, true)).toMatchObject({ outcome: 'ESCAPED' });
  });

  test('accepts the end of gVisor’s kernel as an answer only where the technique expects it', () => {
    const silence = { outcome: 'ERROR', detail: '', exitCode: 2 } as const;
    const ending = { ...technique, endsGvisor: true } as const;
    expect(resultOf(ending, silence, true)).toMatchObject({ outcome: 'BLOCKED', answer: 'killed' });
    expect(resultOf(ending, { ...silence, exitCode: 1 }, true)).toMatchObject({ outcome: 'ERROR' });
    expect(resultOf(ending, silence, false)).toMatchObject({ outcome: 'ERROR' });
    expect(resultOf(technique, silence, true)).toMatchObject({ outcome: 'ERROR' });
  });
});
