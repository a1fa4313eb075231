/** `ward policy`: passes files to the server room, and shows the verdicts. */
import { parseReport, type Report } from '../../scanner/index.ts';
import type { PolicyCheck } from '../../server/index.ts';
import type { Handler } from '../command-spec.ts';
import { cliFault, exitCodeOf } from '../faults.ts';
import type { Input } from '../input.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { printableLine } from '../printable.ts';
import { readBounded } from '../read-source.ts';

/** A policy does not allow it. */
const exitNotAllowed = exitCodeOf('denied');
const longestPolicy = 1024 * 1024;
const longestReport = 256 * 1024 * 1024;
/** Ward's own rules are below those of each policy, and this one has none. */
const ownAlone = { text: 'form: 1\n', name: 'Ward’s own policy' };

export const show: Handler = async (input, { io }) => {
  if (input.has('text')) return await showText(input, io);
  const { showPolicy } = await openServer();
  const stage = (['push', 'deploy', 'run'] as const).find((name) => name === input.text('stage')) ?? 'push';
  const { rules, source, revision } = await showPolicy({
    ...localOptions(input),
    policy: await textOf(input, 'policy'),
    namespace: input.text('namespace') ?? 'guest',
    stage,
  });
  io.note(`from ${source}, revision ${revision.slice(0, 12)}`);
  if (io.format === 'json') await io.value(rules);
  else await io.yaml(rules);
  return 0;
};

async function showText(input: Input, io: Io): Promise<number> {
  if (['policy', 'namespace', 'stage'].some((option) => input.text(option) !== undefined))
    throw cliFault('USAGE', 'the text in force is one for all: leave out --policy, --namespace and --stage');
  const { policyTextInForce } = await openServer();
  const found = await policyTextInForce(localOptions(input));
  const { source, revision, text } = found;
  io.note(`from ${source}, revision ${revision.slice(0, 12)}`);
  if (io.format === 'json' || io.format === 'yaml') await io.value(found);
  else if (text !== '') io.lines(text.replace(/\n$/, '').split('\n'));
  return 0;
}

export const check: Handler = async (input, { io, stdin }) => {
  const { checkPolicy } = await openServer();
  const { text, name } = await givenFile(input, stdin);
  const { revision, problems } = await checkPolicy(text);
  if (io.format === 'json' || io.format === 'yaml') {
    await io.value({ file: input.required(0), isValid: revision !== undefined, revision, faults: problems });
  } else {
    io.lines(faultLines(name, problems));
  }
  if (revision !== undefined) {
    io.ok(`${name} is a policy, revision ${revision.slice(0, 12)}`);
    return 0;
  }
  return refuse(io, name, problems);
};

function refuse(io: Io, name: string, { length }: PolicyCheck['problems'], why?: string): number {
  io.problem('POLICY_INVALID', `${name} has ${length === 1 ? 'a fault' : `${length} faults`}`, {
    ...(why !== undefined && { why }),
    hint: 'docs/gate.md lists every key; ward policy show has the rules of Ward’s own policy',
  });
  return exitCodeOf('invalid');
}

export const set: Handler = async (input, { io, stdin }) => {
  const { checkPolicy, setPolicy } = await openServer();
  const isNone = input.has('none');
  if (isNone === input.rest(0).length > 0)
    throw cliFault('USAGE', 'give a file, or --none for no rules but Ward’s own');
  const { text, name } = isNone ? ownAlone : await givenFile(input, stdin);
  const { problems } = await checkPolicy(text);
  if (problems.length > 0) return refuse(io, name, problems, faultLines(name, problems).join('\n'));
  const done = await setPolicy(localOptions(input), text);
  const { revision, place, overriddenBy } = done;
  io.ok(`${name} is in force in ${place}, revision ${revision.slice(0, 12)}`);
  if (overriddenBy !== undefined)
    io.note(`the server of this machine still goes by its own file: remove ${overriddenBy}`);
  await io.record({
    fields: [
      ['revision', revision],
      ['in', place],
    ],
    name: revision,
    data: done,
  });
  return 0;
};

function faultLines(name: string, problems: PolicyCheck['problems']): readonly string[] {
  return problems.map((each) => printableLine(`${name}:${problemText(each)}`));
}

/** `3:5: rules.malware.action: …; did you mean deny?` */
function problemText({ line, column, path, message, suggestion }: PolicyCheck['problems'][number]): string {
  const where = path === '' ? '' : `${path}: `;
  return `${line}:${column}: ${where}${message}${suggestion === undefined ? '' : `; ${suggestion}`}`;
}

export const test: Handler = async (input, { io }) => {
  const { testPolicy } = await openServer();
  const files = input.rest(0);
  const reports: Report[] = [];
  for (const file of files) reports.push(parseReport(await readBounded(file, longestReport), file));
  const { judged, changes, notKnown } = await testPolicy({
    ...localOptions(input),
    policy: await textOf(input, 'policy'),
    against: await textOf(input, 'against'),
    reports: files.length === 0 ? undefined : reports,
  });
  await io.list({
    items: changes,
    data: { judged, changes, notKnown },
    columns: [
      { title: 'name', cell: ({ name }) => name },
      { title: 'namespace', cell: ({ after }) => after.namespace },
      { title: 'stage', cell: ({ after }) => after.stage },
      { title: 'before', cell: ({ before }) => before.outcome },
      { title: 'after', cell: ({ after }) => after.outcome },
      { title: 'why', cell: ({ after }) => after.reasons.map(({ rule }) => rule).join(', ') },
    ],
    name: ({ name }) => name,
  });
  if (notKnown.length > 0) {
    io.note(`unknown signers: ${namesOf(notKnown)} is neither in the registry nor in the store here`);
  }
  io.note(`${changes.length} of ${judged} judgements would change`);
  const denies = changes.some(({ before, after }) => before.outcome !== 'deny' && after.outcome === 'deny');
  return denies && input.has('exitCode') ? exitNotAllowed : 0;
};

async function givenFile(input: Input, stdin: Parameters<typeof readBounded>[0]) {
  const file = input.required(0);
  const text = (await readBounded(file === '-' ? stdin : file, longestPolicy)).toString('utf8');
  return { text, name: file === '-' ? 'standard input' : file };
}

async function textOf(input: Input, option: string): Promise<string | undefined> {
  const file = input.text(option);
  return file === undefined ? undefined : (await readBounded(file, longestPolicy)).toString('utf8');
}

const mostNamed = 5;

function namesOf(names: readonly string[]): string {
  const named = names.slice(0, mostNamed).map(printableLine).join(', ');
  return names.length > mostNamed ? `${named} and ${names.length - mostNamed} more` : named;
}
