/** docs/reference/errors.md lists exactly the existing codes, each with its kind, status and exit code. */
import { expect, test } from 'vitest';
import { apiFaultKinds, statusOfKind } from '../../src/api/faults.ts';
import { blobFaults } from '../../src/blobs/faults.ts';
import { busFaults } from '../../src/bus/faults.ts';
import { answerFault } from '../../src/cli/client-faults.ts';
import { exitCodeOf } from '../../src/cli/faults.ts';
import { clusterFaults } from '../../src/cluster/faults.ts';
import { registryStoreFaults } from '../../src/content/faults.ts';
import { dispatchFaults } from '../../src/dispatch/faults.ts';
import { egressFaultTable } from '../../src/egress/faults.ts';
import { forwardingFaults } from '../../src/forwarding/faults.ts';
import { functionFaultKinds } from '../../src/functions/faults.ts';
import { gateFaults } from '../../src/gate/faults.ts';
import { imageFaults } from '../../src/images/faults.ts';
import { invokerFaults } from '../../src/invoker/faults.ts';
import type { FaultKind, FaultTable } from '../../src/lib/index.ts';
import { oidcFaults } from '../../src/oidc/faults.ts';
import { proverFaultTable } from '../../src/prover/faults.ts';
import { registryFaults } from '../../src/registry/faults.ts';
import { sandboxFaultTable } from '../../src/sandbox/faults.ts';
import { scannerFaults } from '../../src/scanner/faults.ts';
import { serverFaults } from '../../src/server/faults.ts';
import { storeFaults } from '../../src/store/faults.ts';
import { columnsOf, plain, readText, tableOf } from './markdown.ts';

const document = readText('docs/reference/errors.md');

/** The command line's table is not exported, so it is read as text. */
const cliFaults = Object.fromEntries(
  [...readText('src/cli/faults.ts').matchAll(/^ {2}([A-Z_]+): '([a-z-]+)',$/gm)].map((match) => [
    match[1],
    match[2],
  ]),
);

const answered: readonly (readonly [heading: string, table: FaultTable])[] = [
  ['Functions', functionFaultKinds],
  ['API', apiFaultKinds],
  ['Dispatch', dispatchFaults],
  ['Invoker', invokerFaults],
  ['Gate', gateFaults],
  ['Egress', egressFaultTable],
  ['Log forwarding', forwardingFaults],
  ['Tokens of OpenID issuers', oidcFaults],
];
const local: readonly (readonly [heading: string, table: object])[] = [
  ['Store', storeFaults],
  ['Blobs', blobFaults],
  ['Bus', busFaults],
  ['Images', imageFaults],
  ['Cluster', clusterFaults],
  ['Registry storage', registryStoreFaults],
  ['Registry', registryFaults],
  ['Scanner', scannerFaults],
  ['Sandbox', sandboxFaultTable],
  ['Prover', proverFaultTable],
  ['Server', serverFaults],
  ['Command line', cliFaults],
];

function isKind(text: string): text is FaultKind {
  return Object.hasOwn(statusOfKind, text);
}

function kindOf(text: string | undefined): FaultKind {
  if (text !== undefined && isKind(text)) return text;
  throw new Error(`'${text}' is not a kind`);
}

/** Exit code of `ward` for this status of a server. */
function exitOfAnswer(status: number, code: string): number {
  const answer = { status, body: {}, headers: { 'x-ward-fault': code } };
  return exitCodeOf(answerFault(answer, 'GET /', { value: '', source: '' }).kind);
}

test('kinds: status and exit code', () => {
  const { rows } = tableOf(document, 'kind');
  expect(Object.fromEntries(rows.map(([kind, , status]) => [kind, Number(status)]))).toEqual(statusOfKind);
  for (const [kind, , , exit] of rows) expect(`${kind} ${exit}`).toBe(`${kind} ${exitCodeOf(kindOf(kind))}`);
});

test.each(answered)('%s: codes, kinds, statuses, exit codes', (heading, codes) => {
  const table = tableOf(document, 'code', heading);
  expect(columnsOf(table, 'code', 'kind')).toEqual(codes);
  for (const [code = '', kind, status, exit] of table.rows) {
    const expected = statusOfKind[kindOf(kind)];
    expect([code, status, exit]).toEqual([
      code,
      String(expected),
      String(exitOfAnswer(expected, plain(code))),
    ]);
  }
});

test.each(local)('%s: codes, kinds, exit codes', (heading, codes) => {
  const table = tableOf(document, 'code', heading);
  expect(Object.keys(codes).length).toBeGreaterThan(3);
  expect(columnsOf(table, 'code', 'kind')).toEqual(codes);
  for (const [code = '', kind, exit] of table.rows) {
    expect([code, exit]).toEqual([code, String(exitCodeOf(kindOf(kind)))]);
  }
});

test('codes outside the tables are in the files that it names', () => {
  const sources = [
    'src/lib/command.ts',
    'src/lib/confinement.ts',
    'src/cli/handlers/platform.ts',
    'src/cli/handlers/prove.ts',
    'src/cli/handlers/activation-outcome.ts',
    'src/cli/handlers/action-invoke.ts',
    'src/cli/handlers/uninstall.ts',
  ];
  const text = [...sources, 'src/cli/main.ts', 'bin/ward.mjs'].map(readText).join('\n');
  const { rows } = tableOf(document, 'code', 'Outside the tables');
  expect(rows).toHaveLength(12);
  for (const [code = ''] of rows) expect(text).toMatch(new RegExp(`['[]${plain(code)}['\\]]`));
});

test('every code has an explanation', () => {
  for (const [heading] of [...answered, ...local]) {
    for (const row of tableOf(document, 'code', heading).rows) expect(row.at(-1)).toMatch(/^.{15,}$/);
  }
});
