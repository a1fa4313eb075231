/** The formats and destinations of a scan's reports: a table or another format, to standard output or files. */
import { createColors } from 'picocolors';
import {
  countedFindings,
  formatReport,
  type JudgedReport,
  outcomeInWords,
  type ReportFormat,
  reportFormats,
} from '../../scanner/index.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { type Io, type OutputFormat, outputFormats } from '../io.ts';
import { printableLine } from '../printable.ts';
import { writeReport } from './report-files.ts';
import { scanTable } from './table.ts';
import { beforeInWords, countsInWords, reasonsInWords } from './words.ts';

const fileFormats = ['table', ...reportFormats] as const;

/** One report and its file; without a file it goes to standard output. */
export interface Destination {
  readonly format: (typeof fileFormats)[number] | OutputFormat;
  readonly file: string | undefined;
}

/** Additions to a report. */
interface Besides {
  /** Below the table. */
  readonly lines: readonly string[];
  /** In JSON and YAML. */
  readonly fields: object;
}

/** The word after `--output` is a format, as everywhere, or the file that a report goes to. @throws Fault USAGE */
export function destinationOf(input: Input): Destination {
  const output = input.text('output');
  const asked = fileFormats.find((format) => format === input.text('format'));
  const shown = outputFormats.find((format) => format === output);
  if (output === undefined) return { format: asked ?? 'table', file: undefined };
  if (shown !== undefined) {
    if (asked === undefined || asked === shown) return { format: shown, file: undefined };
    throw cliFault('USAGE', `--output ${shown} and --format ${asked} name two formats`, {
      hint: 'leave one out',
    });
  }
  if (/[./]/.test(output)) return { format: asked ?? formatOfFile(output), file: output };
  throw cliFault('USAGE', `there is no format '${output}'`, {
    hint: `one of ${outputFormats.join(', ')}; or a file: --output ./${output}`,
  });
}

/**
 * Writes the reports. The verdict goes to stderr when no table on standard output ends with it. @throws Fault
 * FILE_NOT_WRITTEN
 */
export async function writeScan(
  judged: JudgedReport,
  destination: Destination,
  io: Io,
  besides?: Besides,
): Promise<void> {
  await write(judged, destination, io, besides);
  const isTold = destination.file === undefined && /^(?:table|wide)$/.test(destination.format);
  if (!isTold) sayVerdict(judged, io);
}

/** Prints the verdict for users who do not see it at the end of a table. */
export function sayVerdict(judged: JudgedReport, io: Io): void {
  io.note(printableLine(`${outcomeInWords(judged)}: ${countsInWords(countedFindings(judged))}`));
  for (const line of reasonsInWords(judged)) io.note(line);
  for (const line of beforeInWords(judged)) io.note(printableLine(line));
}

/** The format that programs expect in a file with this name, instead of a table. */
function formatOfFile(file: string): Destination['format'] {
  if (/\.sarif(?:\.json)?$/i.test(file)) return 'sarif';
  if (/\.json$/i.test(file)) return 'json';
  return /\.xml$/i.test(file) ? 'junit' : 'table';
}

async function write(
  judged: JudgedReport,
  { format, file }: Destination,
  io: Io,
  besides: Besides | undefined,
): Promise<void> {
  if (format === 'yaml') return io.yaml({ ...JSON.parse(formatReport('json', judged)), ...besides?.fields });
  if (format === 'name')
    return io.lines([...new Set(countedFindings(judged).map(({ id }) => printableLine(id)))]);
  if (format === 'table' || format === 'wide') {
    const page = file === undefined ? io.page : { width: undefined, colors: createColors(false) };
    const table = scanTable(judged, { ...page, isWide: format === 'wide' });
    const text = `${[...table, ...(besides?.lines ?? [])].join('\n')}\n`;
    return file === undefined ? io.print(text) : writeReport(file, text, io);
  }
  const text = documentOf(format, judged, besides);
  return file === undefined ? io.lines([text.trimEnd()]) : writeReport(file, text, io);
}

function documentOf(format: ReportFormat, judged: JudgedReport, besides: Besides | undefined): string {
  const text = formatReport(format, judged);
  if (format !== 'json' || besides === undefined) return text;
  return `${JSON.stringify({ ...JSON.parse(text), ...besides.fields }, undefined, 2)}\n`;
}
