/** Dead letters: calls of rules that failed until they were given up. Replays and deletes them, one or all. */

import { useState } from 'preact/hooks';
import type { DeadLetter } from '../../../../answers/index.ts';
import { call, inNamespace, send } from '../../api/client.ts';
import { listAll } from '../../api/list-all.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo } from '../../app/router.ts';
import { currentSession, may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Empty } from '../../components/empty.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';
import { useAction } from '../../components/use-action.ts';
import { useLoad } from '../../components/use-load.ts';
import { QueryField } from '../query-field.tsx';

const root = inNamespace('/ward/v1', 'dead-letters');

const columns: readonly Column<DeadLetter>[] = [
  { title: 'Given up', cell: ({ failedAt }) => <Time at={failedAt} /> },
  { title: 'Rule', cell: ({ rule }) => <span class="breaks">{rule}</span> },
  { title: 'Called', cell: ({ action }) => <code class="breaks">{action}</code> },
  { title: 'Tries', cell: ({ attempts }) => countText(attempts), isNumber: true },
  { title: 'Error', cell: ({ error }) => <span class="breaks preserved">{error}</span> },
  {
    title: 'Last run',
    cell: ({ activationId }) => (
      <a class="mono breaks" href={linkTo(['runs', activationId])}>
        {activationId}
      </a>
    ),
  },
];

export function DeadLetters({ query }: PageProps) {
  const rule = query.get('rule') ?? '';
  const [open, setOpen] = useState<'replay' | 'delete'>();
  const path = rule === '' ? root : `${root}?${new URLSearchParams({ rule })}`;
  const loaded = useLoad((signal) => listAll<DeadLetter>(path, signal), path);
  const letters = loaded.data ?? [];
  const namespace = currentSession()?.namespace ?? '';
  const all = `${countText(letters.length)} ${letters.length === 1 ? 'dead letter' : 'dead letters'}`;
  return (
    <>
      <PageHead
        title="Dead letters"
        about="Calls of rules with retries that failed until they were given up. Their payload is kept."
      >
        <QueryField name="rule" label="Only of this rule" />
        {letters.length > 0 && may('invoke') && (
          <Button onClick={() => setOpen('replay')}>{`Replay ${all}…`}</Button>
        )}
        {letters.length > 0 && may('deploy') && (
          <Button kind="danger" onClick={() => setOpen('delete')}>{`Delete ${all}…`}</Button>
        )}
      </PageHead>
      <LoadView loaded={loaded}>
        {(rows) => <List letters={rows} hasFilter={rule !== ''} onChanged={loaded.reload} />}
      </LoadView>
      {open !== undefined && (
        <Confirm
          title={open === 'replay' ? `Replay ${all}?` : `Delete ${all}?`}
          action={open === 'replay' ? `Replay ${all}` : `Delete ${all}`}
          kind={open === 'replay' ? 'primary' : 'danger'}
          {...(open === 'delete' ? { typed: rule === '' ? namespace : rule } : {})}
          onClose={() => setOpen(undefined)}
          run={async () => {
            try {
              for (const letter of letters) await (open === 'replay' ? replay(letter) : remove(letter));
              tell(open === 'replay' ? `Replayed ${all}.` : `Deleted ${all}.`);
            } finally {
              loaded.reload();
            }
          }}
        >
          <p>
            {open === 'replay'
              ? 'Each function is called again with the payload of its letter, and with all its tries.'
              : 'Their payloads are lost. This cannot be undone.'}
          </p>
        </Confirm>
      )}
    </>
  );
}

interface ListProps {
  readonly letters: readonly DeadLetter[];
  readonly hasFilter: boolean;
  readonly onChanged: () => void;
}

function List({ letters, hasFilter, onChanged }: ListProps) {
  const { isBusy, run } = useAction();
  const [doomed, setDoomed] = useState<DeadLetter>();
  const act = (work: () => Promise<unknown>, done: string) => run(() => work().finally(onChanged), done);
  if (letters.length === 0)
    return (
      <Empty
        title={hasFilter ? 'This rule has no dead letters' : 'No dead letters'}
        command={`ward rule update RULE TRIGGER FUNCTION --annotation retry '{"attempts": 5}'`}
      >
        Calls of a rule with this annotation are tried again. Those that fail to the end appear here.
      </Empty>
    );
  const buttons: Column<DeadLetter> = {
    title: 'Do',
    cell: (letter) => (
      <div class="row tight">
        {may('invoke') && (
          <Button
            isDisabled={isBusy}
            label={`Replay the letter ${letter.id}`}
            onClick={() => act(() => replay(letter), `Replayed a call of ${letter.action}.`)}
          >
            Replay
          </Button>
        )}
        {may('deploy') && (
          <Button
            isDisabled={isBusy}
            kind="danger"
            label={`Delete the letter ${letter.id}`}
            onClick={() => setDoomed(letter)}
          >
            Delete
          </Button>
        )}
      </div>
    ),
  };
  const shown = may('invoke') || may('deploy') ? [...columns, buttons] : columns;
  return (
    <>
      <Table caption="Dead letters" columns={shown} rows={letters} keyOf={({ id }) => id} />
      {doomed !== undefined && (
        <Confirm
          title="Delete this dead letter?"
          action="Delete the letter"
          typed={doomed.rule}
          onClose={() => setDoomed(undefined)}
          run={async () => {
            await remove(doomed).finally(onChanged);
            tell('Deleted the letter.');
          }}
        >
          <p>
            It is a call of <code class="breaks">{doomed.action}</code> by the rule{' '}
            <span class="breaks">{doomed.rule}</span>. Its payload is lost. This cannot be undone.
          </p>
        </Confirm>
      )}
    </>
  );
}

async function replay({ id }: DeadLetter): Promise<void> {
  await call('POST', `${root}/${encodeURIComponent(id)}/replay`, { body: {} });
}

async function remove({ id }: DeadLetter): Promise<void> {
  await send('DELETE', `${root}/${encodeURIComponent(id)}`);
}
