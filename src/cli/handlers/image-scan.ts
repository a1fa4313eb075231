/** `ward image scan`: passes the typed options to the server room, and writes the reports. */
import { type JudgedReport, notLookedFor, severities } from '../../scanner/index.ts';
import type { ScanBase } from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { readBounded } from '../read-source.ts';
import { destinationOf, sayVerdict, writeScan } from '../scan/destination.ts';
import { explainLines, findExplained } from '../scan/explain.ts';
import { clearReports, writeReports } from '../scan/report-files.ts';

const longestPolicy = 1024 * 1024;
const longestVex = 16 * 1024 * 1024;
const longestReport = 256 * 1024 * 1024;

export const scan: Handler = async (input, context) => {
  const destination = destinationOf(input);
  const reportsDir = input.text('reports');
  if (reportsDir !== undefined) await clearReports(reportsDir);
  const judged = await scanned(input, context);
  const { io } = context;
  if (reportsDir !== undefined) await writeReports(reportsDir, judged, io);
  const id = input.text('explain');
  if (id === undefined) await writeScan(judged, destination, io);
  else await explain(judged, id, io);
  // An incomplete judgement comes first: a job that continues on 1 must not take it for a complete one.
  if (notLookedFor(judged).length > 0) return 2;
  return judged.outcome === 'deny' ? 1 : 0;
};

async function scanned(input: Input, { io, stdin }: Context): Promise<JudgedReport> {
  const base = await baseOf(input);
  const { scanByHand } = await openServer();
  const policyFile = input.text('policy');
  const vex: Buffer[] = [];
  for (const file of input.texts('vex')) vex.push(await readBounded(file, longestVex));
  const policy = policyFile === undefined ? undefined : await readBounded(policyFile, longestPolicy);
  using progress = io.progress();
  return await scanByHand({
    ...localOptions(input),
    target: input.required(0),
    base,
    stdin,
    platform: input.text('platform'),
    advisories: input.text('advisories'),
    policy: policy?.toString('utf8'),
    namespace: input.text('namespace'),
    failOn: severities.find((severity) => severity === input.text('failOn')),
    ignoreUnfixed: input.has('ignoreUnfixed'),
    vex,
    rulesDir: input.text('rules'),
    without: [
      ...(input.has('malware') ? [] : (['malware'] as const)),
      ...(input.has('secrets') ? [] : (['secret'] as const)),
      ...(input.has('misconfiguration') ? [] : (['misconfiguration'] as const)),
    ],
    onProgress: (text) => progress.show(text),
  });
}

/** What `--new-only` compares with; one of two options names it, and both need `--new-only`. */
async function baseOf(input: Input): Promise<ScanBase | undefined> {
  const target = input.text('base');
  const file = input.text('baseReport');
  const isAsked = input.has('newOnly');
  if (target !== undefined && file !== undefined)
    throw cliFault('USAGE', '--base and --base-report exclude each other', {
      hint: 'leave one out',
    });
  if (isAsked && target !== undefined) return { target };
  if (isAsked && file !== undefined) return { report: await readBounded(file, longestReport), name: file };
  if (isAsked)
    throw cliFault('USAGE', '--new-only needs something to compare with', {
      hint: 'add --base TARGET, or --base-report FILE with a report of ward image scan -o json',
    });
  if (target === undefined && file === undefined) return undefined;
  throw cliFault('USAGE', `--${target === undefined ? 'base-report' : 'base'} is for --new-only`, {
    hint: 'add --new-only to judge only what is new',
  });
}

async function explain(judged: JudgedReport, id: string, io: Io): Promise<void> {
  const explained = findExplained(judged, id);
  if (explained.length === 0) io.note(`${id} was not found in ${judged.report.target.name}`);
  if (io.format === 'json' || io.format === 'yaml') await io.value(explained);
  else io.lines(explainLines(explained, judged));
  sayVerdict(judged, io);
}
