import { defineConfig } from 'vitest/config';

/** Rooms whose tests keep to what they made themselves: no mount, no control group, no setting of the process. */
const selfContained = [
  'api',
  'cli',
  'dispatch',
  'egress',
  'functions',
  'gate',
  'invoker',
  'lib',
  'prover',
  'registry',
  'scanner',
  'store',
];
/** A pattern of the files of the first project. */
export const units = `src/{${selfContained.join(',')}}/**/*.test.ts`;

export default defineConfig({
  test: {
    pool: 'forks',
    // Most of the time of a file goes by in other processes, so three are run at once even on two processors.
    maxWorkers: 3,
    // Far more than any test takes: only what hangs should end so, however busy the machine is.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // Loaded by Node itself, as Ward is.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    projects: [
      // One process for many files, so that each loads only what is its own.
      { extends: true, test: { name: 'units', include: [units], isolate: false } },
      // The others: a process for each.
      {
        extends: true,
        test: {
          name: 'processes',
          include: ['src/**/*.test.ts', 'runners/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [units],
        },
      },
    ],
  },
});
