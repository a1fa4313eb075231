/** Lines of the logs of all recorded runs that have a text, newest run first. */

import { useState } from 'preact/hooks';
import type { FoundLine } from '../../../../answers/index.ts';
import { searchLogs } from '../../api/runs.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countedText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { FilterForm, useTyped } from '../filter-form.tsx';
import { PeriodField, sinceOf } from '../period-field.tsx';
import { LogLineText } from './log-line.tsx';
import { type LogLine, parseLine } from './log-lines.ts';

interface Row extends Omit<FoundLine, 'line'> {
  readonly at: number;
  readonly line: LogLine;
}

const columns: readonly Column<Row>[] = [
  {
    title: 'Written',
    cell: ({ line, activationId }) => (
      <a href={linkTo(['runs', activationId])}>
        <Time at={Date.parse(line.time)} />
      </a>
    ),
  },
  {
    title: 'Function',
    cell: ({ action }) => (
      <a class="breaks" href={linkTo(['functions', ...action.split('/')])}>
        {action}
      </a>
    ),
  },
  { title: 'Line', cell: ({ line }) => <LogLineText line={line} /> },
];

export function LogSearch({ query }: PageProps) {
  const [text, name, period] = ['text', 'name', 'since'].map((each) => query.get(each) ?? '');
  return (
    <>
      <PageHead title="Search logs" about="Lines of the logs of runs, newest run first." />
      <Fields text={text ?? ''} name={name ?? ''} />
      {text ? (
        <Found key={`${text} ${name} ${period}`} text={text} name={name ?? ''} period={period ?? ''} />
      ) : (
        <Empty title="Search for a part of a line" command="ward logs --grep refused --since 1d">
          All lines that have this text are shown. With the command line:
        </Empty>
      )}
    </>
  );
}

interface Asked {
  readonly text: string;
  readonly name: string;
  readonly period: string;
}

function Fields({ text, name }: Omit<Asked, 'period'>) {
  const [typedText, setText] = useTyped(text);
  const [typedName, setName] = useTyped(name);
  return (
    <FilterForm onSubmit={() => setQuery({ text: typedText, name: typedName.trim() })}>
      <TextField label="Text" value={typedText} onInput={setText} />
      <TextField label="Function" value={typedName} onInput={setName} placeholder="name or package/name" />
      <PeriodField label="Started" />
      <Button type="submit">Search</Button>
    </FilterForm>
  );
}

/** A search has bounds of its own, so it can end before anything is found. */
function Found({ text, name, period }: Asked) {
  const [upto, setUpto] = useState<number>();
  const asked = { text, name, since: sinceOf(period), upto };
  const loaded = useLoad((signal) => searchLogs(asked, signal), String(upto));
  return (
    <LoadView loaded={loaded}>
      {({ lines, cut, next }) => (
        <div class="stack">
          {lines.length > 0 && (
            <Table
              caption="Lines"
              columns={columns}
              rows={lines.map((found, at) => ({ ...found, line: parseLine(found.line), at }))}
              keyOf={({ at }) => String(at)}
            />
          )}
          <p class="quiet" role="status">
            {lines.length === 0 ? 'No line here' : countedText(lines.length, 'line')}
            {cut > 0 && `, and ${countedText(cut, 'line')} of runs that wrote more than 200`}
            {next === null ? '. There are no older runs.' : '. Older runs have not been searched yet.'}
          </p>
          <div class="row">
            {upto !== undefined && <Button onClick={() => setUpto(undefined)}>Newest</Button>}
            {next !== null && <Button onClick={() => setUpto(next)}>Older</Button>}
          </div>
        </div>
      )}
    </LoadView>
  );
}
