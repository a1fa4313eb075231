/** The audit log: who changed what, and what the gate decided, newest first. */

import { useState } from 'preact/hooks';
import type { AuditEntry, AuditPage } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import type { PageProps } from '../../app/pages.ts';
import { setQuery } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { useLoad } from '../../components/use-load.ts';
import { PeriodField, sinceOf } from '../period-field.tsx';

const pageSize = 100;

const columns: readonly Column<AuditEntry>[] = [
  { title: 'When', cell: ({ time }) => <Time at={Date.parse(time)} /> },
  { title: 'What', cell: ({ event }) => <span class="bounded">{event}</span> },
  { title: 'Thing', cell: ({ name, digest }) => <span class="breaks mono">{name ?? digest ?? ''}</span> },
  { title: 'Who', cell: ({ actor }) => <span class="breaks">{actor}</span> },
  { title: 'From', cell: ({ from }) => <span class="bounded">{from ?? ''}</span> },
  { title: 'Outcome', cell: ({ outcome, stage }) => [outcome, stage].filter(Boolean).join(' at ') },
  { title: 'Summary', cell: ({ summary }) => <span class="breaks">{summary ?? ''}</span> },
];

const filters = [
  { name: 'who', label: 'Who: guest *' },
  { name: 'what', label: 'What: delete-*' },
] as const;

export function Audit({ query }: PageProps) {
  const isOperator = may('operator');
  const shown = isOperator ? [...filters, { name: 'namespace', label: 'Namespace' }] : filters;
  const [before, setBefore] = useState<number>();
  const search = new URLSearchParams({ limit: String(pageSize) });
  for (const { name } of shown) {
    const value = query.get(name) ?? '';
    if (value !== '') search.set(name, value);
  }
  const since = sinceOf(query.get('since') ?? '');
  if (since !== undefined) search.set('since', String(since));
  if (before !== undefined) search.set('before', String(before));
  const path = `${isOperator ? '/ward/v1/operator/audit' : '/ward/v1/audit'}?${search}`;
  const loaded = useLoad((signal) => call<AuditPage>('GET', path, { signal }), path);
  const filter = (changes: Readonly<Record<string, string>>) => {
    setBefore(undefined);
    setQuery(changes);
  };
  return (
    <>
      <PageHead
        title="Audit log"
        about="Who changed what, and what the gate decided. Its chain of hashes is checked by: ward audit verify"
      >
        {shown.map(({ name, label }) => (
          <TextField
            key={name}
            label={label}
            isBare
            placeholder={label}
            value={query.get(name) ?? ''}
            onInput={(text) => filter({ [name]: text })}
          />
        ))}
        <PeriodField label="When" isBare onInput={(period) => filter({ since: period })} />
      </PageHead>
      <LoadView loaded={loaded}>
        {({ entries, next }) => (
          <div class="stack">
            {entries.length === 0 ? (
              <p class="quiet">No entry fits.</p>
            ) : (
              <Table caption="Audit log" columns={columns} rows={entries} keyOf={({ seq }) => String(seq)} />
            )}
            <div class="row">
              {before !== undefined && <Button onClick={() => setBefore(undefined)}>Newest</Button>}
              {next !== undefined && <Button onClick={() => setBefore(next)}>Older</Button>}
            </div>
          </div>
        )}
      </LoadView>
    </>
  );
}
