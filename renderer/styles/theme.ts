/** Puts the theme on the page: the person's choice, or the system's and its changes. */
import type { AppSettings } from '../../protocol/app.ts';

const dark = window.matchMedia('(prefers-color-scheme: dark)');
let chosen: AppSettings['theme'] = 'system';

function apply(): void {
  const isDark = chosen === 'dark' || (chosen === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

export function startTheme(): void {
  dark.addEventListener('change', apply);
  apply();
}

export function chooseTheme(theme: AppSettings['theme']): void {
  chosen = theme;
  apply();
}
