/**
 * `npm run test:quick`: types, imports, and the fast unit tests, to run between two changes. Prints what it left out;
 * `npm test` runs everything. Exits with 1 when something failed.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { units } from '../vitest.config.ts';

const root = join(import.meta.dirname, '..');

/** Unit tests that take seconds, and why. */
export const slowUnits: Readonly<Record<string, readonly string[]>> = {
  'databases on the disk': [
    'src/store/**',
    'src/content/**',
    'src/functions/two-servers.test.ts',
    'src/functions/{actions,activations,feeds,namespaces,packages,triggers}/**',
    'src/gate/{store,trust}/**',
  ],
  'servers on this machine': [
    'src/api/*.test.ts',
    'src/api/{docs,web}/{api-docs,slow-clients,web}.test.ts',
    'src/registry/**',
    'src/scanner/advisories/update/**',
  ],
  'processes of their own': [
    'src/cli/{cli,examples,launcher,plain-yaml,registry}.test.ts',
    'src/cli/completion/**',
    'src/cli/handlers/advisories.test.ts',
    'src/lib/{confinement,log,system-call-filter}.test.ts',
    'src/scanner/processes/**',
  ],
  'much data': [
    'src/cli/zip-folder.test.ts',
    'src/gate/{judge/judge,policy/policy}.test.ts',
    'src/scanner/{gap-texts,inspectors,scanner}.test.ts',
    'src/scanner/{formats/sarif,inventory/elf/elf,sbom/minimum-elements,secrets/secrets}.test.ts',
    'src/scanner/advisories/{import,shared}.test.ts',
    'src/scanner/{archives,malware,patterns}/**',
    'src/scanner/inventory/rpm/rpm.test.ts',
  ],
};

if (import.meta.main) process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  const slow = Object.values(slowUnits).flat();
  const argv = [process.execPath, 'scripts/test.ts', '--project', 'units'];
  const child = startCommand([...argv, ...slow.flatMap((glob) => ['--exclude', glob])], {
    stdio: 'inherit',
    cwd: root,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const checks = await Promise.all([
    check('types', [join(root, 'node_modules/.bin/tsc'), '--noEmit']),
    check('imports', [process.execPath, 'scripts/check-imports.ts']),
  ]);
  const hasPassed = (await ended) === 0 && checks.every(({ ok }) => ok);
  for (const { name, ok, said } of checks) console.log(`${name}: ${ok ? 'ok' : 'FAILED'}\n${said}`.trim());
  const files = globSync('{src,deploy,runners,scripts,test}/**/*.test.ts', { cwd: root }).length;
  const run = globSync(units, { cwd: root, exclude: slow }).length;
  console.log(
    `left out: ${files - run} of ${files} test files (sandboxes, mounts, whole servers, and unit tests with ${Object.keys(slowUnits).join(', ')}), lint and format; npm run check and npm test run everything`,
  );
  return hasPassed;
}

async function check(name: string, argv: readonly string[]) {
  const { code, stdout, stderr } = await runCommand(argv, { cwd: root });
  return { name, ok: code === 0, said: `${stdout}${stderr}`.trim() };
}
