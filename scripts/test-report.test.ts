import { expect, test } from 'vitest';
import { closingLines, fileLines, type TestReport } from './test-report.ts';

const outcome = (fullName: string, status: string, ...failureMessages: string[]) => ({
  fullName,
  status,
  failureMessages,
});
const report: TestReport = {
  numPassedTests: 2,
  numFailedTests: 1,
  numPendingTests: 3,
  numFailedTestSuites: 1,
  testResults: [
    {
      name: '/r/src/a.test.ts',
      startTime: 0,
      endTime: 1000,
      assertionResults: [outcome('a', 'passed'), outcome('b', 'failed', 'x', 'x')],
    },
    {
      name: '/r/test/b.test.ts',
      startTime: 0,
      endTime: 1000,
      assertionResults: [outcome('c d', 'passed', 'Error: 1 is not 2\n  at b:1')],
    },
  ],
};

test('names tests that passed only on a retry', () => {
  expect(closingLines(report, '/r', 1)).toEqual([
    'flaky: test/b.test.ts: c d: Error: 1 is not 2',
    '2 passed, 1 failed, 3 skipped',
  ]);
});

test('counts the tests of each file', () => {
  const file = (name: string, ...statuses: string[]) => ({
    ...{ name: `/r/test/${name}.test.ts`, startTime: 0, endTime: 0 },
    assertionResults: statuses.map((status) => outcome('a', status)),
  });
  const testResults = [file('b', 'passed', 'skipped', 'pending'), file('a', 'failed', 'passed', 'passed')];
  expect(fileLines({ ...report, testResults }, '/r')).toEqual([
    'file: test/a.test.ts: 2 passed, 1 failed, 0 skipped',
    'file: test/b.test.ts: 1 passed, 0 failed, 2 skipped',
  ]);
});

test('lists the ten slowest of many files, the slowest first', () => {
  const testResults = Array.from({ length: 12 }, (_, index) => ({
    name: `/r/src/${index}.test.ts`,
    startTime: 1000,
    endTime: 1000 + index * 500,
    assertionResults: [],
  }));
  const lines = closingLines({ ...report, testResults }, '/r', 0);
  expect(lines).toHaveLength(11);
  expect(lines.slice(0, 2)).toEqual(['slow: 5.5 s src/11.test.ts', 'slow: 5.0 s src/10.test.ts']);
  expect(lines.at(-1)).toMatch(/passed/);
});

test.each([
  [0, 0, '2 passed, 0 failed, 3 skipped'],
  [1, 0, '2 passed, 1 failed, 3 skipped'],
  [1, 4, '2 passed, 4 failed, 3 skipped'],
])('exit code %i with %i files that did not load: %s', (exitCode, numFailedTestSuites, line) => {
  const unloaded = { ...report, numFailedTests: 0, numFailedTestSuites, testResults: [] };
  expect(closingLines(unloaded, '/r', exitCode)).toEqual([line]);
});
