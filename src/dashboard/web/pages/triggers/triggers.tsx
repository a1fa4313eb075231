/** The triggers of the namespace: what fires them and when, live, and what they call. */

import type { Feed } from '../../../../answers/index.ts';
import { inNamespace } from '../../api/client.ts';
import { listAll } from '../../api/list-all.ts';
import type { RuleSummary, TriggerSummary } from '../../api/trigger-types.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { Empty } from '../../components/empty.tsx';
import { TextField } from '../../components/fields.tsx';
import { Held, useHeld } from '../../components/held.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { useRecords } from '../use-records.ts';
import { FeedStatus, FiredBy, Missed } from './feed-words.tsx';

interface Row {
  readonly trigger: TriggerSummary;
  readonly feed: Feed | undefined;
  readonly rules: number;
}

const columns: readonly Column<Row>[] = [
  {
    title: 'Trigger',
    cell: ({ trigger }) => (
      <a class="breaks" href={linkTo(['triggers', trigger.name])}>
        {trigger.name}
      </a>
    ),
  },
  { title: 'Fired by', cell: ({ feed, trigger }) => <FiredBy feed={feed} trigger={trigger} /> },
  { title: 'State', cell: ({ feed }) => feed !== undefined && <FeedStatus feed={feed} /> },
  { title: 'Next', cell: ({ feed }) => feed?.nextFire !== undefined && <Time at={feed.nextFire} /> },
  {
    title: 'Last missed',
    cell: ({ feed }) => feed?.missed !== undefined && <Missed missed={feed.missed} />,
  },
  { title: 'Rules', cell: ({ rules }) => countText(rules), isNumber: true },
  { title: 'Changed', cell: ({ trigger }) => <Time at={trigger.updated} /> },
];

async function loadTriggers(signal: AbortSignal): Promise<readonly Omit<Row, 'feed'>[]> {
  const [triggers, rules] = await Promise.all([
    listAll<TriggerSummary>(inNamespace('/api/v1', 'triggers'), signal),
    listAll<RuleSummary>(inNamespace('/api/v1', 'rules'), signal),
  ]);
  const rulesOf = new Map<string, number>();
  for (const { trigger } of rules) rulesOf.set(trigger.name, (rulesOf.get(trigger.name) ?? 0) + 1);
  return triggers.map((trigger) => ({ trigger, rules: rulesOf.get(trigger.name) ?? 0 }));
}

function loadFeeds(signal: AbortSignal): Promise<readonly Feed[]> {
  return listAll<Feed>(inNamespace('/ward/v1', 'feeds'), signal);
}

export function Triggers({ query }: PageProps) {
  const loaded = useLoad(loadTriggers, '');
  // A firing changes nothing else.
  const feeds = useLoad(loadFeeds, '');
  const { hear, ...held } = useHeld(feeds.reload);
  useRecords(hear);
  const wanted = query.get('name') ?? '';
  return (
    <>
      <PageHead title="Triggers" about="Events that call functions: by the clock, by a URL, or by a caller.">
        {(loaded.data?.length ?? 0) > 0 && (
          <TextField
            label="Filter by name"
            isBare
            placeholder="Filter by name"
            value={wanted}
            onInput={(name) => setQuery({ name })}
          />
        )}
      </PageHead>
      <Held {...held}>
        <LoadView loaded={loaded}>
          {(rows) => (
            <LoadView loaded={feeds}>
              {(found) => <List rows={withFeeds(rows, found)} wanted={wanted} />}
            </LoadView>
          )}
        </LoadView>
      </Held>
    </>
  );
}

function withFeeds(rows: readonly Omit<Row, 'feed'>[], feeds: readonly Feed[]): readonly Row[] {
  const feedOf = new Map(feeds.map((feed) => [feed.trigger, feed]));
  return rows.map((row) => ({ ...row, feed: feedOf.get(row.trigger.name) }));
}

function List({ rows, wanted }: { readonly rows: readonly Row[]; readonly wanted: string }) {
  const shown = rows.filter(({ trigger }) => trigger.name.toLowerCase().includes(wanted.toLowerCase()));
  if (rows.length === 0)
    return (
      <Empty
        title="No triggers yet"
        command="ward trigger create every-hour --feed /whisk.system/alarms/interval --param minutes 60"
      >
        A trigger calls the functions of its rules. This one fires every hour:
      </Empty>
    );
  if (shown.length === 0) return <p class="quiet">No trigger has this in its name.</p>;
  return <Table caption="Triggers" columns={columns} rows={shown} keyOf={({ trigger }) => trigger.name} />;
}
