/** Starts the page. */
import { render } from 'preact';
import { App } from './app.ts';
import { html } from './html.ts';

const root = document.getElementById('page');
if (root !== null) render(html`<${App} />`, root);
