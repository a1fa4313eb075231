/** What a run of the tests ends with, from Vitest's JSON report. */
import { relative } from 'node:path';

/** As Vitest's `json` reporter writes it; of its fields those that are read here. */
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
      /** Of a test that was run again, those of each time. */
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const slowest = 10;

/**
 * The slowest files, so that the time of all tests is known by its parts. A line for each test that failed and passed when it was run again (`--retry`), so that a race does not hide; the last
 * is `N passed, N failed, N skipped`.
 * @param exitCode Vitest's; one that is not 0 counts as a failure though no test failed
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

/** The files that took longest, the longest first. A run of a few files needs no such list. */
function slowFiles({ testResults }: TestReport, root: string): string[] {
  if (testResults.length <= slowest) return [];
  return testResults
    .map(({ name, startTime, endTime }) => ({ name, seconds: (endTime - startTime) / 1000 }))
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, slowest)
    .map(({ name, seconds }) => `slow: ${seconds.toFixed(1)} s ${relative(root, name)}`);
}
