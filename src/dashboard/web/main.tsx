/** Starts the console in the page. */
import './tokens.css';
import './base.css';
import './components/components.css';
import './app/shell.css';
import './pages/pages.css';
import { render } from 'preact';
import { Console } from './app/console.tsx';
import { addPages } from './app/pages.ts';
import { startRouter } from './app/router.ts';
import { guardDrafts } from './app/session.ts';
import { startTheme } from './app/theme.ts';
import { showControls } from './app/visible-controls.ts';
import { allPages } from './pages/registry.ts';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no place for the console');
startTheme();
showControls();
addPages(allPages);
startRouter();
guardDrafts();
render(<Console />, place);
