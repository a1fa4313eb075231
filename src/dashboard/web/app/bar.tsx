/** The bar on top: the namespace, the search, whether the page is live, the theme, and the way out. */

import type { Session } from '../../../answers/index.ts';
import { liveState } from '../api/live.ts';
import { Button } from '../components/button.tsx';
import { report } from '../components/messages.ts';
import { Status } from '../components/status.tsx';
import { isPaletteOpen } from './palette.tsx';
import { linkTo } from './router.ts';
import { logOut } from './session.ts';
import { nextTheme, setTheme, theme } from './theme.ts';

interface BarProps {
  readonly session: Session;
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
}

/** Whether pages follow what happens, and how that is shown. */
const live = {
  live: { tone: 'good', text: 'Live' },
  still: { tone: 'idle', text: 'Not live' },
  lost: { tone: 'bad', text: 'Connection lost' },
  refused: { tone: 'warn', text: 'Not live for now' },
} as const;

const themeWords = { system: 'Auto', light: 'Light', dark: 'Dark' } as const;

/** The namespace, and whether the session is an operator's. */
export function Who({ session }: Pick<BarProps, 'session'>) {
  return (
    <span class="who" title={session.scope === null ? undefined : `Rights of the key: ${session.scope}`}>
      {session.namespace === null ? 'operator' : session.namespace}
      {session.namespace !== null && session.operator && <span class="quiet"> + operator</span>}
    </span>
  );
}

/** Whether the page follows what happens. */
export function Live() {
  const { tone, text } = live[liveState.value];
  return (
    <span class="live" role="status">
      <Status tone={tone} text={text} />
    </span>
  );
}

export function Bar({ session, isMenuOpen, onMenu }: BarProps) {
  const { tone } = live[liveState.value];
  return (
    <header class={tone === 'bad' || tone === 'warn' ? 'bar troubled' : 'bar'}>
      <button type="button" class="menu" aria-expanded={isMenuOpen} aria-controls="rail" onClick={onMenu}>
        Menu
      </button>
      <a class="brand" href={linkTo([])}>
        Ward
      </a>
      <Who session={session} />
      <button
        type="button"
        class="search"
        onClick={() => {
          isPaletteOpen.value = true;
        }}
      >
        <span>Search or go to…</span>
        <kbd>Ctrl K</kbd>
      </button>
      <Live />
      <Button kind="plain" label={`${themeWords[theme.value]} theme`} onClick={() => setTheme(nextTheme())}>
        {themeWords[theme.value]}
      </Button>
      <Button kind="plain" onClick={() => void logOut().catch(report)}>
        Log out
      </Button>
    </header>
  );
}
