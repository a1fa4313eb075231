/** Lines of the logs of all recorded runs that have a text, newest run first. */
import { useState } from 'preact/hooks';
import { type FoundLine, searchLogs } from '../../api/runs.ts';
import type { PageProps } from '../../app/pages.ts';
import { linkTo, setQuery } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { SelectField, TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countedText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { periodOptions, sinceOf } from '../run-filters.ts';
import { LogLineText, parseLine } from './log-line.tsx';

type Row = FoundLine & { readonly at: number };

const columns: readonly Column<Row>[] = [
  {
    title: 'Written',
    cell: ({ line, activationId }) => (
      <a href={linkTo(['runs', activationId])}>
        <Time at={Date.parse(parseLine(line).time)} />
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
  { title: 'Line', cell: ({ line }) => <LogLineText line={parseLine(line)} /> },
];

export function LogSearch({ query }: PageProps) {
  const [text, name, period] = ['text', 'name', 'since'].map((each) => query.get(each) ?? '');
  return (
    <>
      <PageHead title="Search logs" about="Lines of the logs of runs, newest run first." />
      <Fields text={text ?? ''} name={name ?? ''} period={period ?? ''} />
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

function Fields({ text, name, period }: Asked) {
  const [given, setGiven] = useState({ text, name });
  const [typed, setTyped] = useState(given);
  // Not as an effect: it would undo what was typed before it ran.
  if (given.text !== text || given.name !== name) {
    setGiven({ text, name });
    setTyped({ text, name });
  }
  return (
    <search>
      <form
        class="row filters"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({ text: typed.text, name: typed.name.trim() });
        }}
      >
        <TextField label="Text" value={typed.text} onInput={(text) => setTyped({ ...typed, text })} />
        <TextField
          label="Function"
          value={typed.name}
          onInput={(name) => setTyped({ ...typed, name })}
          placeholder="name or package/name"
        />
        <SelectField
          label="Started"
          value={period}
          onInput={(value) => setQuery({ since: value })}
          options={periodOptions}
        />
        <Button type="submit">Search</Button>
      </form>
    </search>
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
              rows={lines.map((line, at) => ({ ...line, at }))}
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
