/** docs/sandbox.md has the true strict policy, ceiling, seccomp list and flags. */
import { expect, test } from 'vitest';
import { commandsOf, flagWords } from '../../src/cli/command-spec.ts';
import { sandboxGroup } from '../../src/cli/commands/sandbox.ts';
import { formatSize } from '../../src/lib/index.ts';
import { mechanismNames } from '../../src/sandbox/mechanisms.ts';
import { defaultCeiling } from '../../src/sandbox/operator.ts';
import { rlimitsOf, strictPolicy } from '../../src/sandbox/policy.ts';
import { strictProfile } from '../../src/sandbox/seccomp/profile.ts';
import { columnsOf, plain, readText, tableOf } from './markdown.ts';

const document = readText('docs/sandbox.md');
const yesNo = (value: boolean) => (value ? 'yes' : 'no');
const { io, landlock } = strictPolicy;

test('the strict policy, field by field', () => {
  const told: Readonly<Record<keyof typeof strictPolicy, string>> = {
    runtime: strictPolicy.runtime,
    memoryBytes: formatSize(strictPolicy.memoryBytes),
    cpus: String(strictPolicy.cpus),
    cpuWeight: String(strictPolicy.cpuWeight),
    pidsLimit: String(strictPolicy.pidsLimit),
    io: `weight ${io?.weight}, reads ${formatSize(io?.readBytesPerSecond ?? 0)}, writes ${formatSize(io?.writeBytesPerSecond ?? 0)}`,
    rootReadonly: yesNo(strictPolicy.rootReadonly),
    tmpfs: strictPolicy.tmpfs.map(({ path }) => path).join(', '),
    capabilities: strictPolicy.capabilities.join(', ') || 'none',
    seccomp: String(strictPolicy.seccomp),
    noNewPrivileges: yesNo(strictPolicy.noNewPrivileges),
    rlimits: `${Object.keys(strictPolicy.rlimits).length} limits, and two that follow`,
    hostname: strictPolicy.hostname,
    egress: strictPolicy.egress === undefined ? 'nothing' : 'something',
    maskedPaths: `${strictPolicy.maskedPaths.length} paths`,
    readonlyPaths: `${strictPolicy.readonlyPaths.length} paths`,
    landlock: (landlock ?? []).map(({ access, path }) => `${access} ${path}`).join(', '),
    apparmorProfile: strictPolicy.apparmorProfile ?? 'none',
    selinuxLabel: strictPolicy.selinuxLabel ?? 'none',
    writeExecute: strictPolicy.writeExecute,
    coreScheduling: yesNo(strictPolicy.coreScheduling),
    speculationControl: yesNo(strictPolicy.speculationControl),
    uid: String(strictPolicy.uid),
    gid: String(strictPolicy.gid),
    oomScoreAdj: String(strictPolicy.oomScoreAdj),
    runtimeAdvisories: strictPolicy.runtimeAdvisories,
    required: `${strictPolicy.required.length} mechanisms`,
  };
  expect(Object.keys(told).sort()).toEqual(Object.keys(strictPolicy).sort());
  expect(columnsOf(tableOf(document, 'field'), 'field', 'default')).toEqual(told);
});

test('temporary folders and rlimits', () => {
  expect(tableOf(document, 'tmpfs').rows.map((row) => row.map(plain))).toEqual(
    strictPolicy.tmpfs.map(({ path, sizeBytes, inodes, exec }) => [
      path,
      formatSize(sizeBytes),
      String(inodes),
      yesNo(exec),
    ]),
  );
  const rlimits = Object.entries(rlimitsOf(strictPolicy)).map(([name, limit]) => [name, String(limit)]);
  expect(columnsOf(tableOf(document, 'rlimit'), 'rlimit', 'value')).toEqual(Object.fromEntries(rlimits));
});

test('required mechanisms, and the others', () => {
  const section = document.split('## Required mechanisms')[1]?.split('\n## ')[0] ?? '';
  const [required = '', others = ''] = section.split('Used where the host has them');
  const names = (text: string) =>
    [...text.matchAll(/`([a-z-]+)`/g)]
      .flatMap((match) => match[1] ?? [])
      .filter((name) => name !== 'required');
  expect(names(required)).toEqual(strictPolicy.required);
  const optional = mechanismNames.filter((name) => !strictPolicy.required.includes(name));
  expect(names(others).sort()).toEqual(optional.toSorted());
});

test('the seccomp list in numbers', () => {
  const refusals = [...strictProfile.refuse.values()];
  const kills = refusals.filter((refusal) => refusal === 'kill').length;
  const conditional = [...strictProfile.allow.values()].filter((conditions) => conditions.length > 0).length;
  const { rows } = tableOf(document, 'part');
  expect(rows.map((row) => row[1])).toEqual([
    String(strictProfile.allow.size),
    String(strictProfile.landlockCalls.length),
    String(refusals.length - kills),
    String(kills),
    '',
  ]);
  expect(rows[0]?.[2]).toContain(`${conditional} of them`);
});

test('the ceiling', () => {
  const { memoryBytes, tmpfsBytes, cpus, pidsLimit, execTmpfs, api, egress, ...lists } = defaultCeiling;
  expect(columnsOf(tableOf(document, 'key'), 'key', 'default')).toEqual({
    memory: formatSize(memoryBytes),
    cpus: String(cpus),
    pidsLimit: String(pidsLimit),
    tmpfs: formatSize(tmpfsBytes),
    capabilities: lists.capabilities.join(', '),
    runtimes: lists.runtimes.join(', '),
    seccompCalls: lists.seccompCalls.join(', ') || 'none',
    execTmpfs: yesNo(execTmpfs),
    api: `${yesNo(api)}: functions with provide-api-key reach Ward's own API`,
    egress: egress.public || egress.rules.length > 0 ? 'something' : 'none',
  });
});

test('the flags of ward sandbox run', () => {
  const run = commandsOf([sandboxGroup]).find(([words]) => words === 'sandbox run')?.[1];
  const flags = (run?.options ?? []).map((option) => flagWords(option).at(-1));
  expect(tableOf(document, 'flag').rows.map(([flag = '']) => plain(flag))).toEqual(flags);
});
