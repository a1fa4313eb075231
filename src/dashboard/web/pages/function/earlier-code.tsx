/** Compares the code in the editor with what the last change replaced, and puts that back into the editor. */
import { type EarlierCode, type FunctionExec, getEarlierCode } from '../../api/functions.ts';
import { Button } from '../../components/button.tsx';
import { report, tell } from '../../components/messages.ts';
import { Time } from '../../components/time.tsx';

interface CompareProps {
  readonly path: string;
  /** Undefined while nothing is compared with it. */
  readonly earlier: EarlierCode | undefined;
  readonly onChange: (earlier: EarlierCode | undefined) => void;
}

export function CompareWithEarlier({ path, earlier, onChange }: CompareProps) {
  const load = async () => {
    const found = await getEarlierCode(path);
    if (found === undefined) tell('No earlier revision of the code is kept.');
    else onChange(found);
  };
  if (earlier !== undefined)
    return (
      <Button kind="plain" onClick={() => onChange(undefined)}>
        Hide the last revision
      </Button>
    );
  return (
    <Button kind="plain" onClick={() => void load().catch(report)}>
      Changes since the last revision
    </Button>
  );
}

interface NoteProps {
  readonly earlier: EarlierCode;
  /** What the function has now. */
  readonly exec: FunctionExec;
  /** Absent: the reader may not change the code. */
  readonly onRestore?: (text: string, old: FunctionExec) => void;
}

/** Says what the editor shows, or why it shows nothing. */
export function EarlierNote({ earlier, exec, onRestore }: NoteProps) {
  const { version, replaced, exec: old } = earlier;
  const text = textOf(earlier);
  return (
    <p class="row">
      <span class="quiet">
        Revision {version}, replaced <Time at={replaced} />
        {old.kind === exec.kind ? '' : `, was of kind ${old.kind}`}
        {text === undefined ? ', was an archive: compare it in a terminal, with ward action diff.' : '.'}
      </span>
      {text !== undefined && onRestore !== undefined && (
        <Button onClick={() => onRestore(text, old)}>Put its text into the editor</Button>
      )}
    </p>
  );
}

/** Undefined for an archive. */
export function textOf({ exec }: EarlierCode): string | undefined {
  return exec.binary === true ? undefined : exec.code;
}
