/** Ctrl-K: goes to a page, a run, a function, a trigger or a namespace, or does something, by its name. */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { NamespacesPage } from '../../../answers/index.ts';
import { inNamespace } from '../api/client.ts';
import { functionPath, listFunctions } from '../api/functions.ts';
import { listAll, listPages } from '../api/list-all.ts';
import type { TriggerSummary } from '../api/trigger-types.ts';
import { Dialog } from '../components/dialog.tsx';
import { report } from '../components/messages.ts';
import { pages } from './pages.ts';
import { goTo, linkTo } from './router.ts';
import { logOut, may } from './session.ts';
import { setTheme, themes } from './theme.ts';

export const isPaletteOpen = signal(false);

export interface Choice {
  readonly title: string;
  readonly kind: string;
  readonly run: () => void;
}

const mostShown = 12;
/** Of the functions, and of triggers and namespaces, that have the text in their names. */
const mostFound = 8;
/** After the last key. */
const searchDelayMs = 150;

export function Palette() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      isPaletteOpen.value = true;
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  if (!isPaletteOpen.value) return null;
  const close = () => {
    isPaletteOpen.value = false;
  };
  return (
    <Dialog title="Search or go to" onClose={close} isPlain>
      <Search close={close} />
    </Dialog>
  );
}

function Search({ close }: { readonly close: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const shown = [
    ...matching(text).slice(0, mostShown),
    ...useFunctions(text.trim()),
    ...fitting(useListed(text.trim() !== ''), text).slice(0, mostFound),
  ];
  const chosen = Math.min(at, shown.length - 1);
  useEffect(() => {
    document.getElementById(`choice-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen, shown.length]);
  const run = (choice: Choice | undefined) => {
    if (choice === undefined) return;
    close();
    choice.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((chosen + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(shown[chosen]);
    }
  };
  return (
    <div class="palette">
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label="Search or go to"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={shown.length > 0 ? `choice-${chosen}` : undefined}
        placeholder="A page, a function, a trigger, the id of a run, or what to do"
        autoComplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div id="palette-list" role="listbox" aria-label="Choices">
        {shown.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={`${choice.kind} ${choice.title}`}
            id={`choice-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => run(choice)}
          >
            <span>{choice.title}</span>
            <span class="quiet">{choice.kind}</span>
          </div>
        ))}
      </div>
      {shown.length === 0 && <p class="quiet">Nothing has this name.</p>}
    </div>
  );
}

function matching(text: string): readonly Choice[] {
  const run = /^[0-9a-f]{32}$/.exec(text.trim())?.[0];
  if (run !== undefined) return [{ title: run, kind: 'run', run: () => goTo(linkTo(['runs', run])) }];
  return fitting(fixedChoices(), text);
}

function fitting(choices: readonly Choice[], text: string): readonly Choice[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return choices.filter(({ title, kind }) =>
    words.every((word) => `${title} ${kind}`.toLowerCase().includes(word)),
  );
}

function useFunctions(text: string): readonly Choice[] {
  const [found, setFound] = useState<readonly Choice[]>([]);
  useEffect(() => {
    setFound([]);
    if (text === '' || !may('read')) return;
    const gone = new AbortController();
    const search = async () => {
      const functions = await listFunctions(text, { skip: 0, limit: mostFound }, gone.signal);
      const choices = functions.map(functionPath).map((path) => ({
        ...{ title: path, kind: 'function' },
        run: () => goTo(linkTo(['functions', ...path.split('/')])),
      }));
      if (!gone.signal.aborted) setFound(choices);
    };
    const timer = setTimeout(() => void search().catch(() => {}), searchDelayMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [text]);
  return found;
}

/** Triggers and namespaces, at most 2,000 of each. Their lists have no search, so they are read once, with the first text. */
function useListed(hasText: boolean): readonly Choice[] {
  const [listed, setListed] = useState<readonly Choice[]>([]);
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    if (hasText) setAsked(true);
  }, [hasText]);
  useEffect(() => {
    if (!isAsked) return;
    const gone = new AbortController();
    const add = (choices: readonly Choice[]) => setListed((before) => [...before, ...choices]);
    if (may('read')) listTriggers(gone.signal).then(add, () => {});
    if (may('operator')) listNamespaces(gone.signal).then(add, () => {});
    return () => gone.abort();
  }, [isAsked]);
  return listed;
}

async function listTriggers(signal: AbortSignal): Promise<readonly Choice[]> {
  const triggers = await listAll<TriggerSummary>(inNamespace('/api/v1', 'triggers'), signal);
  return triggers.map(({ name }) => ({
    ...{ title: name, kind: 'trigger' },
    run: () => goTo(linkTo(['triggers', name])),
  }));
}

async function listNamespaces(signal: AbortSignal): Promise<readonly Choice[]> {
  const path = '/ward/v1/operator/namespaces';
  const rows = await listPages(path, ({ namespaces }: NamespacesPage) => namespaces, signal);
  return rows.map(({ name }) => ({
    ...{ title: name, kind: 'namespace' },
    run: () => goTo(linkTo(['namespaces', name])),
  }));
}

function fixedChoices(): readonly Choice[] {
  const shownPages = pages.filter((page) => !page.path.includes(':') && may(page.needs));
  return [
    ...shownPages.map(({ path, title }) => ({
      title,
      kind: 'page',
      run: () => goTo(linkTo([path])),
    })),
    ...themes.map((each) => ({ title: `Theme: ${each}`, kind: 'do', run: () => setTheme(each) })),
    { title: 'Log out', kind: 'do', run: () => void logOut().catch(report) },
  ];
}
