/** Shows every component in each of its states, for those who build pages. */
import { useState } from 'preact/hooks';
import { ApiError } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { CommandLine } from '../components/command-line.tsx';
import { Confirm } from '../components/confirm.tsx';
import { Identifier } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Empty } from '../components/empty.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { DateField, FileField, SelectField, TextArea, TextField } from '../components/fields.tsx';
import { Figures } from '../components/figures.tsx';
import { report, tell } from '../components/messages.ts';
import { PageHead } from '../components/page-head.tsx';
import { Status, type Tone } from '../components/status.tsx';
import { Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { ageText, countText, durationText, sizeText } from '../components/units.ts';
import { GalleryOfData } from './gallery-of-data.tsx';

const tones: readonly (readonly [Tone, string])[] = [
  ['good', 'success'],
  ['warn', 'application error'],
  ['bad', 'refused'],
  ['idle', 'not judged'],
  ['busy', 'running'],
];

const failure = new ApiError('The namespace ‘guest’ has too many calls at the same time.', {
  status: 429,
  code: 'TOO_MANY_CONCURRENT',
  hint: 'Try again when some of them have ended.',
  requestId: 'Yk3vH0f2mQ8sT1aB',
});

export function ComponentGallery() {
  const [text, setText] = useState('');
  const [kind, setKind] = useState('nodejs:24');
  const [json, setJson] = useState('{ "name": "World" }');
  const [day, setDay] = useState('2027-01-31');
  const [code, setCode] = useState("// A comment.\nconst main = () => ({ greeting: 'Hello' });\n");
  const [isOpen, setOpen] = useState(false);
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <PageHead title="Components" about="What pages are made of. Each is a file in components/.">
        <Button>Usual</Button>
        <Button kind="primary">Primary</Button>
      </PageHead>
      <div class="stack wide">
        <h2>Buttons</h2>
        <div class="row">
          <Button kind="primary">Primary</Button>
          <Button>Usual</Button>
          <Button kind="danger">Delete</Button>
          <Button kind="plain">Plain</Button>
          <Button isDisabled>Disabled</Button>
          <Button onClick={() => tell('Saved hello.')}>Tell</Button>
          <Button onClick={() => report(failure)}>Report</Button>
          <Button onClick={() => setOpen(true)}>Dialog</Button>
          <Button onClick={() => setAsking(true)}>Question</Button>
        </div>
        <h2>States</h2>
        <div class="row">
          {tones.map(([tone, word]) => (
            <Status key={tone} tone={tone} text={word} />
          ))}
        </div>
        <h2>Fields</h2>
        <div class="row">
          <TextField label="Name" value={text} onInput={setText} placeholder="hello" />
          <SelectField
            label="Kind"
            value={kind}
            onInput={setKind}
            options={['nodejs:24', 'python:3.13'].map((each) => ({ value: each, text: each }))}
          />
          <DateField label="Last day" value={day} onInput={setDay} />
          <FileField label="File" onChoose={({ name }) => tell(`Chose ${name}.`)} />
        </div>
        <TextArea label="Input" value={json} onInput={setJson} rows={3} />
        <h2>Figures</h2>
        <Figures
          figures={[
            { name: 'Calls', value: countText(128_402), about: 'in the last hour' },
            { name: 'p99', value: durationText(1234), about: 'p50 8 ms', link: '?figure=p99' },
            { name: 'Code', value: sizeText(48_211_004) },
            { name: 'Advisories', value: ageText(7_200_000), about: 'since the last look' },
          ]}
        />
        <h2>Table, identifiers, times</h2>
        <Table
          caption="Example"
          columns={[
            { title: 'Run', cell: ({ id }) => <Identifier text={id} what="id of the run" /> },
            { title: 'Started', cell: ({ at }) => <Time at={at} /> },
            { title: 'Duration', cell: ({ ms }) => durationText(ms), isNumber: true },
          ]}
          rows={[
            { id: '4f0c6f3ad8a94e5c8c6f3ad8a9fe5c11', at: Date.now() - 5000, ms: 12 },
            { id: '9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d', at: Date.UTC(2024, 1, 29, 12), ms: 71_230 },
          ]}
          keyOf={({ id }) => id}
        />
        <h2>Messages</h2>
        <CommandLine text="ward action create hello examples/hello.js" />
        <ErrorNote error={failure} onRetry={() => tell('Tried again.')} />
        <Empty title="No functions yet" command="ward action create hello examples/hello.js">
          Create one here, or with the command line:
        </Empty>
        <GalleryOfData code={code} onCode={setCode} failure={failure} />
      </div>
      {isAsking && (
        <Confirm
          title="Delete the rule?"
          action="Delete"
          typed="hello"
          run={async () => tell('Deleted hello.')}
          onClose={() => setAsking(false)}
        >
          <p>Nothing brings it back.</p>
        </Confirm>
      )}
      {isOpen && (
        <Dialog title="Delete hello?" onClose={() => setOpen(false)}>
          <p>Its code and its settings go; its runs stay.</p>
          <div class="row">
            <Button kind="danger" onClick={() => setOpen(false)}>
              Delete
            </Button>
            <Button onClick={() => setOpen(false)}>Keep</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
