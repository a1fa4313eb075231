/** Writes a new function in the editor. */
import { useState } from 'preact/hooks';
import { listKinds, putFunction } from '../api/functions.ts';
import { goTo, linkTo } from '../app/router.ts';
import { Button } from '../components/button.tsx';
import { CodeEditor } from '../components/code-editor.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { SelectField, TextField } from '../components/fields.tsx';
import { LoadView } from '../components/load-view.tsx';
import { tell } from '../components/messages.ts';
import { PageHead } from '../components/page-head.tsx';
import { useLoad } from '../components/use-load.ts';

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

export function NewFunction() {
  const kinds = useLoad(listKinds, '');
  return (
    <LoadView loaded={kinds}>
      {(known) => <Writer kinds={known.filter((kind) => templateOf(kind) !== undefined)} />}
    </LoadView>
  );
}

function Writer({ kinds }: { readonly kinds: readonly string[] }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState(kinds[0] ?? '');
  const [code, setCode] = useState(templateOf(kind) ?? '');
  const [error, setError] = useState<unknown>();
  const create = async () => {
    setError(undefined);
    try {
      await putFunction(name.trim(), { kind, code }, true);
      tell(`Created ${name.trim()}.`);
      goTo(linkTo(['functions', ...name.trim().split('/')]));
    } catch (failure) {
      setError(failure);
    }
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
            label="Kind"
            value={kind}
            onInput={(value) => {
              setKind(value);
              setCode(templateOf(value) ?? '');
            }}
            options={kinds.map((each) => ({ value: each, text: each }))}
          />
          <Button kind="primary" type="submit" isDisabled={name.trim() === ''}>
            Create
          </Button>
        </div>
        {error !== undefined && <ErrorNote error={error} onDismiss={() => setError(undefined)} />}
        <CodeEditor
          label="Code"
          code={templateOf(kind) ?? ''}
          kind={kind}
          onInput={setCode}
          onSave={() => name.trim() !== '' && void create()}
        />
      </form>
    </>
  );
}

function templateOf(kind: string): string | undefined {
  return templates.find(({ family }) => kind.startsWith(`${family}:`))?.code;
}
