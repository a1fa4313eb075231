/** `ward advisories update`, `import`, `status`, `sources`. */
import { formatSize } from '../../lib/index.ts';
import type { AdvisoryProgress, ImportResult } from '../../scanner/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import type { Input } from '../input.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { printableLine } from '../printable.ts';

const mostNamed = 20;

export const update: Handler = async (input, { io }) => {
  const { updateAdvisoryFile } = await openServer();
  const result = await withProgress(io, (progress) =>
    updateAdvisoryFile({
      ...optionsOf(input),
      progress,
      only: input.texts('source'),
      sources: input.text('sources'),
      from: input.text('from'),
      key: input.text('key'),
      acceptsFewer: input.has('acceptFewer'),
    }),
  );
  const { state, changed, sources } = result;
  io.ok(changed ? `${state.count} advisories, revision ${state.revision}` : 'nothing has changed');
  await io.list({
    items: sources,
    data: result,
    columns: [
      { title: 'source', cell: ({ source }) => source },
      { title: 'outcome', cell: ({ outcome }) => outcome },
      { title: 'records', cell: ({ records }) => String(records), align: 'right' },
      { title: 'bad', cell: ({ bad }) => String(bad), align: 'right' },
      { title: 'reason', cell: ({ reason }) => reason ?? '' },
    ],
    name: ({ source }) => source,
  });
  return sources.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
};

export const importFiles: Handler = async (input, context) => {
  const { importAdvisoryFiles } = await openServer();
  const result = await withProgress(context.io, (progress) =>
    importAdvisoryFiles({ ...optionsOf(input), progress }, input.rest(0)),
  );
  await showResult(result, context);
  return 0;
};

export const status: Handler = async (input, { io }) => {
  const { showAdvisories } = await openServer();
  const found = await showAdvisories(optionsOf(input));
  const { state, sizeBytes, sources, exploited, probabilities } = found;
  await io.list({
    items: sources,
    data: found,
    columns: [
      { title: 'source', cell: ({ source }) => source },
      { title: 'records', cell: ({ records }) => String(records), align: 'right' },
      { title: 'newest', cell: ({ newest }) => newest?.slice(0, 10) ?? '-' },
      { title: 'imported', cell: ({ importedAt }) => importedAt.slice(0, 16) },
      { title: 'checked', cell: ({ checkedAt }) => checkedAt.slice(0, 16) },
      { title: 'bad', cell: ({ bad }) => String(bad), align: 'right' },
      { title: 'form', cell: ({ form }) => form, isWide: true },
      { title: 'licence', cell: ({ licence }) => licence ?? '', isWide: true },
      { title: 'url', cell: ({ url }) => url ?? '', isWide: true },
    ],
    name: ({ source }) => source,
  });
  const newest = state.updatedAt === undefined ? 'of an unknown date' : `of ${state.updatedAt.slice(0, 10)}`;
  io.note(
    `${state.count} advisories, revision ${state.revision}, the newest ${newest}; ${exploited} CVEs known to be exploited, ${probabilities} with an EPSS; ${formatSize(sizeBytes)}`,
  );
  return 0;
};

export const sources: Handler = async (input, { io }) => {
  const { listAdvisorySources } = await openServer();
  const items = await listAdvisorySources({ ...localOptions(input), sources: input.text('sources') });
  await io.list({
    items,
    data: items,
    columns: [
      { title: 'source', cell: ({ name }) => name },
      { title: 'url', cell: ({ url }) => url },
      { title: 'form', cell: ({ form }) => form, isWide: true },
      { title: 'licence', cell: ({ licence }) => licence, isWide: true },
    ],
    name: ({ url }) => url,
  });
  return 0;
};

async function showResult(
  { state, changed, sources, unknown }: ImportResult,
  { io }: Context,
): Promise<void> {
  for (const { source, bad, badRecords } of sources) {
    if (bad === 0) continue;
    const [first] = badRecords;
    const example = first === undefined ? '' : `: ${first.place}: ${first.reason}`;
    const what = bad === 1 ? 'an invalid record' : `${bad} invalid records`;
    io.note(printableLine(`${source}: left out ${what}${example}`));
  }
  for (const path of unknown.slice(0, mostNamed))
    io.note(printableLine(`${path}: left out: its format is unknown`));
  if (unknown.length > mostNamed) io.note(`left out ${unknown.length - mostNamed} more; -o json names them`);
  io.ok(changed ? `${state.count} advisories, revision ${state.revision}` : 'nothing has changed');
  await io.list({
    items: sources,
    data: { state, changed, sources, unknown },
    columns: [
      { title: 'source', cell: ({ source }) => source },
      { title: 'form', cell: ({ form }) => form },
      { title: 'records', cell: ({ records }) => String(records), align: 'right' },
      { title: 'bad', cell: ({ bad }) => String(bad), align: 'right' },
      { title: 'skipped', cell: ({ skipped }) => String(skipped), align: 'right' },
      { title: 'state', cell: ({ unchanged }) => (unchanged ? 'as before' : 'taken in') },
    ],
    name: ({ source }) => source,
  });
}

async function withProgress<T>(
  io: Io,
  work: (report: (step: AdvisoryProgress) => void) => Promise<T>,
): Promise<T> {
  using progress = io.progress();
  return await work((step) => progress.show(stepText(step)));
}

function optionsOf(input: Input) {
  return { ...localOptions(input), advisories: input.text('advisories') };
}

function stepText({ stage, source, bytes, totalBytes, records }: AdvisoryProgress): string {
  const share =
    totalBytes === undefined || totalBytes === 0
      ? formatSize(bytes)
      : `${Math.floor((bytes / totalBytes) * 100)} %`;
  const words = { download: 'downloading', read: 'reading', finish: 'finishing' };
  return `${words[stage]} ${source} ${share}${records > 0 ? `, ${records} records` : ''}`;
}
