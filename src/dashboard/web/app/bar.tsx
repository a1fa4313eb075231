/** The bar on top: the namespace, the search, whether the page is live, the theme, and the way out. */

import { liveState } from '../api/live.ts';
import type { Session } from '../api/types.ts';
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

const live = {
  live: { tone: 'good', text: 'Live' },
  still: { tone: 'idle', text: 'Not live' },
  lost: { tone: 'bad', text: 'Connection lost' },
  refused: { tone: 'warn', text: 'Not live for now' },
} as const;

const themeWords = { system: 'Auto', light: 'Light', dark: 'Dark' } as const;

export function Bar({ session, isMenuOpen, onMenu }: BarProps) {
  const { tone, text } = live[liveState.value];
  return (
    <header class="bar">
      <button type="button" class="menu" aria-expanded={isMenuOpen} aria-controls="rail" onClick={onMenu}>
        Menu
      </button>
      <a class="brand" href={linkTo([])}>
        Ward
      </a>
      <span class="who" title={session.scope === null ? undefined : `Rights of the key: ${session.scope}`}>
        {session.namespace === null ? 'operator' : session.namespace}
        {session.namespace !== null && session.operator && <span class="quiet"> + operator</span>}
      </span>
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
      <span class="live" role="status">
        <Status tone={tone} text={text} />
      </span>
      <Button kind="plain" label={`${themeWords[theme.value]} theme`} onClick={() => setTheme(nextTheme())}>
        {themeWords[theme.value]}
      </Button>
      <Button kind="plain" onClick={() => void logOut().catch(report)}>
        Log out
      </Button>
    </header>
  );
}
