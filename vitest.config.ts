import { defineConfig } from 'vitest/config';

/** Rooms and folders of them whose tests keep to what they made themselves: no mount, no control group, no setting of the process. */
const selfContained = [
  'api',
  'blobs',
  'bus',
  'cli',
  'content',
  'dashboard',
  'dispatch',
  'egress',
  'functions',
  'gate',
  'images/layer',
  'images/oci',
  'images/unpack',
  'invoker',
  'lib',
  'oidc',
  'prover',
  'registry',
  'scanner',
  'store',
];
/** Patterns of the files of the first project. Of the tests of documents, these three start processes of all kinds. */
export const units = [
  `src/{${selfContained.join(',')}}/**/*.test.ts`,
  'test/docs/!(ci|functions|tour).test.ts',
  'deploy/{container,kubernetes}/**/*.test.ts',
];

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
      { extends: true, test: { name: 'units', include: units, isolate: false } },
      // The others: a process for each.
      {
        extends: true,
        test: {
          name: 'processes',
          include: [
            'src/**/*.test.ts',
            'deploy/**/*.test.ts',
            'runners/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: units,
        },
      },
    ],
  },
});
