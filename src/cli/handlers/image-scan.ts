/** `ward image scan`: what was typed into the server room's request, and what comes back to where it was asked for. */
import { createColors } from 'picocolors';
import {
  countedFindings,
  formatReport,
  type JudgedReport,
  notLookedFor,
  reportFormats,
  severities,
} from '../../scanner/index.ts';
import type { ScanBase } from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { type Io, type OutputFormat, outputFormats } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { printableLine } from '../printable.ts';
import { readBounded } from '../read-source.ts';
import { explainLines, findExplained } from '../scan/explain.ts';
import { clearReports, writeReport, writeReports } from '../scan/report-files.ts';
import { scanTable } from '../scan/table.ts';
import { beforeInWords, countsInWords, outcomeInWords, reasonsInWords } from '../scan/words.ts';

const longestPolicy = 1024 * 1024;
const longestVex = 16 * 1024 * 1024;
const longestReport = 256 * 1024 * 1024;

const fileFormats = ['table', ...reportFormats] as const;

/** What is written, and where: undefined is standard output. */
interface Destination {
  readonly format: (typeof fileFormats)[number] | OutputFormat;
  readonly file: string | undefined;
}

export const scan: Handler = async (input, context) => {
  const destination = destinationOf(input);
  const reportsDir = input.text('reports');
  if (reportsDir !== undefined) await clearReports(reportsDir);
  const judged = await scanned(input, context);
  const { io } = context;
  if (reportsDir !== undefined) await writeReports(reportsDir, judged, io);
  const id = input.text('explain');
  if (id === undefined) await write(judged, destination, io);
  else await explain(judged, id, io);
  const isTold =
    id === undefined && destination.file === undefined && /^(?:table|wide)$/.test(destination.format);
  if (!isTold) sayVerdict(judged, io);
  // A judgement that is not whole comes first: a job that goes on at 1 must not take it for one.
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

/** What `--new-only` compares with; it is named by one of two options, which mean nothing without it. */
async function baseOf(input: Input): Promise<ScanBase | undefined> {
  const target = input.text('base');
  const file = input.text('baseReport');
  const isAsked = input.has('newOnly');
  if (target !== undefined && file !== undefined)
    throw cliFault('USAGE', '--base and --base-report are two things to compare with', {
      hint: 'leave one out',
    });
  if (isAsked && target !== undefined) return { target };
  if (isAsked && file !== undefined) return { report: await readBounded(file, longestReport), name: file };
  if (isAsked)
    throw cliFault('USAGE', '--new-only does not say what was there before', {
      hint: 'add --base TARGET, or --base-report FILE with a report of ward image scan -o json',
    });
  if (target === undefined && file === undefined) return undefined;
  throw cliFault('USAGE', `--${target === undefined ? 'base-report' : 'base'} is for --new-only`, {
    hint: 'add --new-only to judge only what is new',
  });
}

/** A word after `--output` is a format, as everywhere, or the file that a report goes to. */
function destinationOf(input: Input): Destination {
  const output = input.text('output');
  const asked = fileFormats.find((format) => format === input.text('format'));
  const shown = outputFormats.find((format) => format === output);
  if (output === undefined) return { format: asked ?? 'table', file: undefined };
  if (shown !== undefined) {
    if (asked === undefined || asked === shown) return { format: shown, file: undefined };
    throw cliFault('USAGE', `--output ${shown} and --format ${asked} are two formats`, {
      hint: 'leave one out',
    });
  }
  if (/[./]/.test(output)) return { format: asked ?? formatOfFile(output), file: output };
  throw cliFault('USAGE', `there is no format '${output}'`, {
    hint: `one of ${outputFormats.join(', ')}; or a file: --output ./${output}`,
  });
}

/** The format that programs expect in a file of this name; otherwise they would find a table in it. */
function formatOfFile(file: string): Destination['format'] {
  if (/\.sarif(?:\.json)?$/i.test(file)) return 'sarif';
  if (/\.json$/i.test(file)) return 'json';
  return /\.xml$/i.test(file) ? 'junit' : 'table';
}

async function write(judged: JudgedReport, { format, file }: Destination, io: Io): Promise<void> {
  if (format === 'yaml') return io.yaml(JSON.parse(formatReport('json', judged)));
  if (format === 'name')
    return io.lines([...new Set(countedFindings(judged).map(({ id }) => printableLine(id)))]);
  if (format === 'table' || format === 'wide') {
    const page = file === undefined ? io.page : { width: undefined, colors: createColors(false) };
    const text = `${scanTable(judged, { ...page, isWide: format === 'wide' }).join('\n')}\n`;
    return file === undefined ? io.print(text) : writeReport(file, text, io);
  }
  const text = formatReport(format, judged);
  return file === undefined ? io.lines([text.trimEnd()]) : writeReport(file, text, io);
}

async function explain(judged: JudgedReport, id: string, io: Io): Promise<void> {
  const explained = findExplained(judged, id);
  if (explained.length === 0) io.note(`${id} was not found in ${judged.report.target.name}`);
  if (io.format === 'json' || io.format === 'yaml') return io.value(explained);
  io.lines(explainLines(explained, judged));
}

/** For those who do not see the table, which ends with it. */
function sayVerdict(judged: JudgedReport, io: Io): void {
  io.note(printableLine(`${outcomeInWords(judged)}: ${countsInWords(countedFindings(judged))}`));
  for (const line of reasonsInWords(judged)) io.note(line);
  for (const line of beforeInWords(judged)) io.note(printableLine(line));
}
