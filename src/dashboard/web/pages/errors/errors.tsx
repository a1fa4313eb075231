/** Failed runs by their error: the same error is one row, however often it came. Runs them again, all at once. */

import { useState } from 'preact/hooks';
import type { ErrorGroup, ErrorGroups } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { countRuns, groupsPath, type RunFilter } from '../../api/runs.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countedText, countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { PeriodField, sinceOf } from '../period-field.tsx';
import { QueryField } from '../query-field.tsx';
import { ReplayAll } from '../replay-all.tsx';
import { RunStatus } from '../run-status.tsx';
import { useRecords } from '../use-records.ts';

const columnsOf = (since: string): readonly Column<ErrorGroup>[] => [
  {
    title: 'Runs',
    cell: ({ count, action, fingerprint }) => (
      <a href={linkTo(['runs'], { name: action, since, fingerprint })}>{countText(count)}</a>
    ),
    isNumber: true,
  },
  {
    title: 'Outcome',
    cell: ({ statusCode, last }) => <RunStatus run={{ end: last, statusCode }} />,
  },
  {
    title: 'Function',
    cell: ({ action }) => (
      <a class="breaks" href={linkTo(['functions', ...action.split('/')])}>
        {action}
      </a>
    ),
  },
  { title: 'Error', cell: ({ error }) => <span class="breaks preserved">{error}</span> },
  { title: 'First', cell: ({ first }) => <Time at={first} /> },
  {
    title: 'Last',
    cell: ({ last, activationIds: [newest = ''] }) => (
      <a href={linkTo(['runs', newest])}>
        <Time at={last} />
      </a>
    ),
  },
];

export function Errors({ query }: PageProps) {
  const [chosen, setChosen] = useState<ErrorGroup>();
  const [name, period] = [query.get('name') ?? '', query.get('since') ?? ''];
  const key = JSON.stringify([name, period]);
  const loaded = useLoad(async (signal) => {
    const filter = { name, since: sinceOf(period) };
    const [found, { failed }] = await Promise.all([
      call<ErrorGroups>('GET', groupsPath(filter), { signal }),
      countFailed(filter, signal),
    ]);
    return { ...found, ...filter, failed };
  }, key);
  const { data } = loaded;
  // There is no index for the groups: each record is too often for them.
  const latest = useLoad(
    (signal) => countFailed({ name, since: data === undefined ? sinceOf(period) : data.since }, signal),
    key,
  );
  useRecords(latest.reload);
  const newer = newerOf(data, latest.data);
  const shown: readonly Column<ErrorGroup>[] = may('invoke')
    ? [
        ...columnsOf(period),
        {
          title: 'Do',
          cell: (group) => <Button onClick={() => setChosen(group)}>Run again…</Button>,
        },
      ]
    : columnsOf(period);
  return (
    <>
      <PageHead
        title="Errors"
        about={
          <>
            Failed <a href={linkTo(['runs'], { name, failed: 'true', since: period })}>runs</a>, by their
            error.{newer > 0 && ` ${countedText(newer, 'new one')} since.`}
          </>
        }
      >
        <QueryField name="name" label="Function" placeholder="name or package/name" />
        <PeriodField label="Started" isBare />
        <Button onClick={loaded.reload}>Look again</Button>
      </PageHead>
      <LoadView loaded={loaded}>
        {({ groups, read, isCut }) =>
          groups.length === 0 ? (
            <Empty title="No run failed" command="ward activation list">
              None of the runs that Ward has records of. With the command line:
            </Empty>
          ) : (
            <div class="stack">
              <Table
                caption="Errors"
                columns={shown}
                rows={groups}
                keyOf={({ fingerprint }) => fingerprint}
              />
              <p class="quiet">
                {countedText(read, 'failed run')}
                {isCut ? ', the newest ones; there are more.' : '.'} Errors that differ only in numbers and
                ids are one.
              </p>
            </div>
          )
        }
      </LoadView>
      {chosen !== undefined && (
        <ReplayAll
          key={chosen.fingerprint}
          name={chosen.action}
          select={async () => runsOf(chosen)}
          onClose={() => setChosen(undefined)}
        />
      )}
    </>
  );
}

interface Failed {
  readonly since: number | undefined;
  readonly failed: number;
}

/** How many failed since the groups were read. A list of another period has another count. */
function newerOf(shown: Failed | undefined, latest: Failed | undefined): number {
  if (shown === undefined || latest === undefined || shown.since !== latest.since) return 0;
  return Math.max(0, latest.failed - shown.failed);
}

async function countFailed(
  { name, since }: Pick<RunFilter, 'name' | 'since'>,
  signal: AbortSignal,
): Promise<Failed> {
  return { since, failed: await countRuns({ name, since, failed: true }, signal) };
}

function runsOf({ action, count, activationIds }: ErrorGroup) {
  return {
    about: `${countedText(count, 'run')} had this error.`,
    runs: activationIds.map((activationId) => ({ activationId, action })),
  };
}
