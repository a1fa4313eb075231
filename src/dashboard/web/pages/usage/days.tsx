/** What was used on each day, of all namespaces for an operator and of its own for a key. */
import { useEffect } from 'preact/hooks';
import type { UsageDay } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { download } from '../../components/download.ts';
import { Empty } from '../../components/empty.tsx';
import { Held, useHeld } from '../../components/held.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { countText, sizeText } from '../../components/units.ts';
import { useAction } from '../../components/use-action.ts';
import { useLoad } from '../../components/use-load.ts';

/** Newer ones come first; the table for spreadsheets has all of the days. */
const mostRows = 500;

const columns: readonly Column<UsageDay>[] = [
  { title: 'Day', cell: ({ day }) => day },
  { title: 'Namespace', cell: ({ namespace }) => <span class="breaks">{namespace}</span> },
  { title: 'Calls', cell: ({ calls }) => countText(calls), isNumber: true },
  { title: 'Cold starts', cell: ({ coldStarts }) => countText(coldStarts), isNumber: true },
  { title: 'GiB seconds', cell: ({ gibSeconds }) => gibSeconds.toFixed(3), isNumber: true },
  {
    title: 'Stored, on average',
    cell: ({ storedByteHours, storedHours }) =>
      storedHours === 0 ? '' : sizeText(storedByteHours / storedHours),
    isNumber: true,
  },
  { title: 'Sent', cell: ({ sentBytes }) => sizeText(sentBytes), isNumber: true },
  { title: 'Received', cell: ({ receivedBytes }) => sizeText(receivedBytes), isNumber: true },
];

/** @param news grows when there are new records; 0 at first */
export function UsageDays({ news }: { readonly news: number }) {
  const path = may('operator') ? '/ward/v1/operator/usage' : '/ward/v1/usage';
  const loaded = useLoad(
    async (signal: AbortSignal) => call<{ readonly days: readonly UsageDay[] }>('GET', path, { signal }),
    path,
  );
  const { hear, ...held } = useHeld(loaded.reload);
  useEffect(() => {
    if (news > 0) hear();
  }, [news]);
  const { isBusy, run } = useAction();
  const today = new Date(serverNow()).toISOString().slice(0, 10);
  const save = () => run(() => download(path, `ward-usage-by-day-${today}.csv`, 'text/csv'), 'Downloaded.');
  return (
    <Section
      title="The last 30 days"
      actions={
        <Button isDisabled={isBusy} onClick={save}>
          Download days as CSV
        </Button>
      }
    >
      <Held {...held}>
        <LoadView loaded={loaded}>
          {({ days }) =>
            days.length === 0 ? (
              <Empty title="Nothing was used yet" command="ward action invoke hello --result">
                A line appears for each day with calls.
              </Empty>
            ) : (
              <Table
                caption="Usage by day"
                columns={columns}
                rows={days.toReversed().slice(0, mostRows)}
                keyOf={({ day, namespace, createdAt }) => `${day} ${namespace} ${createdAt}`}
              />
            )
          }
        </LoadView>
      </Held>
    </Section>
  );
}
