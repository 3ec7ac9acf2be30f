/** The window: composition root. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import { startLanguage } from './language/language.ts';
import { App } from './shell/app.tsx';
import { startTheme } from './styles/theme.ts';
import { startStore } from './store/engine-store.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root');
startTheme();
startStore();
// Until the app has told its language, the one of the system.
await startLanguage(navigator.language.startsWith('fr') ? 'fr' : 'en');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
