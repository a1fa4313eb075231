/** The closing lines of a test run, from Vitest's JSON report. */
import { relative } from 'node:path';

/** The fields of Vitest's `json` report that are used here. */
export interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    /** The file. */
    readonly name: string;
    /** Epoch milliseconds. */
    readonly startTime: number;
    readonly endTime: number;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      /** For a test that was retried, the messages of each run. */
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const slowest = 10;

/**
 * Lists the slowest files, and each test that failed and then passed on a retry (`--retry`), so that a race does not hide.
 * The last line is `N passed, N failed, N skipped`.
 * @param exitCode Vitest's exit code; other than 0 it counts as a failure even if no test failed
 */
export function closingLines(report: TestReport, root: string, exitCode: number): string[] {
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = report;
  const failed = numFailedTests || (exitCode === 0 ? 0 : numFailedTestSuites || 1);
  const flaky = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
      .map(({ fullName, failureMessages }) => {
        const [why = ''] = failureMessages[0]?.split('\n', 1) ?? [];
        return `flaky: ${relative(root, name)}: ${fullName}: ${why}`;
      }),
  );
  return [
    ...slowFiles(report, root),
    ...flaky,
    `${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped`,
  ];
}

/** What became of the tests of each file, by the files' names: for a run on other engines, where some tests are left out. */
export function fileLines({ testResults }: TestReport, root: string): string[] {
  return testResults
    .map(({ name, assertionResults }) => {
      const count = (status: string) => assertionResults.filter((each) => each.status === status).length;
      const [passed, failed] = [count('passed'), count('failed')];
      const left = assertionResults.length - passed - failed;
      return `file: ${relative(root, name)}: ${passed} passed, ${failed} failed, ${left} skipped`;
    })
    .toSorted();
}

/** The slowest files, the slowest first. A run of a few files needs no such list. */
function slowFiles({ testResults }: TestReport, root: string): string[] {
  if (testResults.length <= slowest) return [];
  return testResults
    .map(({ name, startTime, endTime }) => ({ name, seconds: (endTime - startTime) / 1000 }))
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, slowest)
    .map(({ name, seconds }) => `slow: ${seconds.toFixed(1)} s ${relative(root, name)}`);
}
