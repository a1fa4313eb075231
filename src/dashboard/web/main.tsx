/** Starts the console in the page. */
import './tokens.css';
import './base.css';
import './components/components.css';
import './app/shell.css';
import { render } from 'preact';
import { Console } from './app/console.tsx';
import { startRouter } from './app/router.ts';
import { startTheme } from './app/theme.ts';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no place for the console');
startTheme();
startRouter();
render(<Console />, place);
