/** Light or dark, as the system has it or as the reader chose for this browser. */
import { signal } from '@preact/signals';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const item = 'ward-theme';

export const theme = signal<Theme>('system');

export function startTheme(): void {
  const stored = localStorage.getItem(item);
  setTheme(themes.find((each) => each === stored) ?? 'system');
}

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  localStorage.setItem(item, chosen);
  if (chosen === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.dataset['theme'] = chosen;
}

/** The next choice of the switch. */
export function nextTheme(): Theme {
  return themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system';
}
