/** Makes a new function: written in the editor, from a file or a zip, or from an image. */
import { useState } from 'preact/hooks';
import { createFunction, type FunctionExec, listKinds } from '../../api/functions.ts';
import { goTo, linkTo } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { FileField, SelectField, TextField } from '../../components/fields.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { report, tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { sizeText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { DraftNote, NotSaved, useDraft, useKeeping } from '../draft.tsx';
import { type CodeFile, readCodeFile } from './code-file.ts';

const templates: readonly { readonly family: string; readonly code: string }[] = [
  {
    family: 'nodejs',
    code: `function main({ name = 'World' }) {\n  console.log('greeting', name);\n  return { greeting: \`Hello, \${name}!\` };\n}\n`,
  },
  {
    family: 'python',
    code: `def main(args):\n    name = args.get("name", "World")\n    print("greeting", name)\n    return {"greeting": f"Hello, {name}!"}\n`,
  },
];

const sources = [
  { value: 'editor', text: 'the editor' },
  { value: 'file', text: 'a file or a zip' },
  { value: 'image', text: 'an image' },
] as const;
type From = (typeof sources)[number]['value'];

export function NewFunction() {
  const kinds = useLoad(listKinds, '');
  return <LoadView loaded={kinds}>{(known) => <Maker kinds={known} />}</LoadView>;
}

function Maker({ kinds }: { readonly kinds: readonly string[] }) {
  const written = kinds.filter((each) => templateOf(each) !== undefined);
  const { item, restored, end } = useDraft();
  const [name, setName] = useState(restored?.name ?? '');
  const [from, setFrom] = useState<From>('editor');
  const [codeKind, setCodeKind] = useState(restored?.exec.kind ?? written[0] ?? '');
  const [code, setCode] = useState(restored?.text ?? templateOf(codeKind) ?? '');
  const [file, setFile] = useState<CodeFile>();
  const [fileKind, setFileKind] = useState<string>();
  const [main, setMain] = useState('');
  const [image, setImage] = useState('');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const kind = from === 'file' && fileKind !== undefined ? fileKind : codeKind;
  const shown = from === 'editor' ? written : kinds.filter((each) => each !== blackbox);
  const exec = execOf({ from, kind, code, file, main: main.trim(), image: image.trim() });
  const isReady = name.trim() !== '' && exec !== undefined && !isBusy;
  const isTyped = code !== (templateOf(codeKind) ?? '');
  const isKept = useKeeping(
    item,
    isTyped ? { text: code, name, exec: { kind: codeKind }, tag: '' } : undefined,
  );
  const discard = () => {
    setName('');
    setCode(templateOf(codeKind) ?? '');
    end();
  };
  const create = async () => {
    if (exec === undefined || !isReady) return;
    setError(undefined);
    setBusy(true);
    try {
      await createFunction(name.trim(), exec);
      if (from === 'editor') end();
      tell(`Created ${name.trim()}.`);
      goTo(linkTo(['functions', ...name.trim().split('/')]));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const chooseKind = (chosen: string) => {
    if (from === 'file') return setFileKind(chosen);
    // What somebody has typed stays.
    if (code === templateOf(codeKind)) setCode(templateOf(chosen) ?? '');
    setCodeKind(chosen);
  };
  const choose = (chosen: File) => {
    readCodeFile(chosen).then((read) => {
      setFile(read);
      const fitting = kinds.find((each) => each.startsWith(`${read.family}:`));
      if (fitting !== undefined && !kind.startsWith(`${read.family}:`)) setFileKind(fitting);
      if (name === '') setName(read.name.replace(/\.\w+$/, ''));
    }, report);
  };
  return (
    <>
      <PageHead title="New function" about="It runs as soon as it is saved, when the gate lets it." />
      <form
        class="stack wide"
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <div class="row">
          <TextField
            label="Name"
            value={name}
            onInput={setName}
            placeholder="hello, or package/hello"
            isMono
          />
          <SelectField
            label="From"
            value={from}
            onInput={(value) => setFrom(sources.find((each) => each.value === value)?.value ?? 'editor')}
            options={sources}
          />
          {from !== 'image' && (
            <SelectField
              label="Kind"
              value={kind}
              onInput={chooseKind}
              options={shown.map((each) => ({ value: each, text: each }))}
            />
          )}
          {from === 'file' && (
            <>
              <FileField label="File, zip or jar" onChoose={choose} />
              <TextField
                label="Entry point, if not main"
                value={main}
                onInput={setMain}
                placeholder="main"
                isMono
              />
            </>
          )}
          {from === 'image' && (
            <TextField label="Image" value={image} onInput={setImage} placeholder="guest/app:v1" isMono />
          )}
          <Button kind="primary" type="submit" isDisabled={!isReady}>
            {isBusy ? 'Creating…' : 'Create'}
          </Button>
        </div>
        {error !== undefined && <ErrorNote error={error} onDismiss={() => setError(undefined)} />}
        {from === 'editor' && (
          <>
            {isTyped && <DraftNote of="a new function" restored={restored} onDiscard={discard} />}
            {!isKept && <NotSaved isKept={isKept} />}
            <CodeEditor label="Code" code={code} kind={kind} onInput={setCode} onSave={() => void create()} />
          </>
        )}
        {from === 'file' && file !== undefined && (
          <p class="quiet">
            {file.name}: {sizeText(file.bytes)}
            {file.code.binary === true ? ', an archive' : ', a source file'}
          </p>
        )}
        {from === 'image' && (
          <p class="quiet">
            An image that speaks OpenWhisk’s <code>/init</code> and <code>/run</code>, in this Ward’s registry
            or on its machine.
          </p>
        )}
      </form>
    </>
  );
}

const blackbox = 'blackbox';

interface Asked {
  readonly from: From;
  readonly kind: string;
  readonly code: string;
  readonly file: CodeFile | undefined;
  readonly main: string;
  readonly image: string;
}

/** Undefined: something is missing. */
function execOf({ from, kind, code, file, main, image }: Asked): FunctionExec | undefined {
  if (from === 'editor') return { kind, code };
  if (from === 'image') return image === '' ? undefined : { kind: blackbox, image };
  return file === undefined ? undefined : { kind, ...file.code, ...(main === '' ? {} : { main }) };
}

function templateOf(kind: string): string | undefined {
  return templates.find(({ family }) => kind.startsWith(`${family}:`))?.code;
}
