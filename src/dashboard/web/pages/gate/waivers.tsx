/** All waivers: what the gate lets pass for a time, why, and until when. Ends them. */

import { useState } from 'preact/hooks';
import type { Waiver } from '../../../../answers/index.ts';
import { call, send } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import { linkTo } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Empty } from '../../components/empty.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useLoad } from '../../components/use-load.ts';
import { waiversRoot } from './waive.tsx';

const columns: readonly Column<Waiver>[] = [
  {
    title: 'Finding',
    cell: ({ finding }) => (
      <a class="mono breaks" href={linkTo(['gate', 'findings'], { text: finding })}>
        {finding}
      </a>
    ),
  },
  {
    title: 'Namespace',
    cell: ({ namespace = 'all' }) => <span class="breaks">{namespace}</span>,
  },
  { title: 'In', cell: ({ purl, path }) => <code class="breaks">{purl ?? path ?? 'everything'}</code> },
  { title: 'Reason', cell: ({ reason }) => <span class="breaks">{reason}</span> },
  { title: 'By', cell: ({ by }) => <span class="breaks">{by}</span> },
  {
    title: 'Last day',
    cell: ({ expires }) =>
      expires < new Date(serverNow()).toISOString().slice(0, 10) ? (
        <Status tone="idle" text={`over since ${expires}`} />
      ) : (
        <span class="bounded">{expires}</span>
      ),
  },
];

export function Waivers() {
  const [ending, setEnding] = useState<Waiver>();
  const loaded = useLoad(
    (signal) => call<{ readonly waivers: readonly Waiver[] }>('GET', waiversRoot, { signal }),
    '',
  );
  const shown: readonly Column<Waiver>[] = [
    ...columns,
    {
      title: 'Do',
      cell: (waiver) => (
        <Button label={`End the waiver of ${waiver.finding}`} onClick={() => setEnding(waiver)}>
          End…
        </Button>
      ),
    },
  ];
  return (
    <>
      <PageHead title="Waivers" about="What the gate lets pass for a time, and why." />
      <PageTabs of="gate" label="Pages of the gate" />
      <LoadView loaded={loaded}>
        {({ waivers }) =>
          waivers.length === 0 ? (
            <Empty title="Nothing is waived here" command="ward policy show">
              Waive a finding on the page of its report. The policy can have an ignore list of its own:
            </Empty>
          ) : (
            <Table caption="Waivers" columns={shown} rows={waivers} keyOf={({ id }) => id} />
          )
        }
      </LoadView>
      {ending !== undefined && (
        <Confirm
          title={`End the waiver of ${ending.finding}?`}
          action="End the waiver"
          onClose={() => setEnding(undefined)}
          run={async () => {
            await send('DELETE', `${waiversRoot}/${encodeURIComponent(ending.id)}`);
            tell('Ended the waiver.');
            loaded.reload();
          }}
        >
          <p>The gate judges again at once: what only this let pass is refused from now on.</p>
        </Confirm>
      )}
    </>
  );
}
