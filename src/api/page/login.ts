import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { html } from './html.ts';

/** Asks for the token; it stays in this tab's session storage and goes out as a bearer header only. */
export function Login({ refused, onToken }: { refused: boolean; onToken: (token: string) => void }): VNode {
  const [text, setText] = useState('');
  return html`<main class="login">
    <form
      onSubmit=${(event: Event) => {
        event.preventDefault();
        if (text.trim() !== '') onToken(text.trim());
      }}
    >
      <h1>Crowsnest</h1>
      <p>${refused ? 'That token is not the one this service was started with.' : 'This service needs its access token.'}</p>
      <label>
        <span>Token</span>
        <input
          type="password"
          autocomplete="off"
          autofocus
          value=${text}
          onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)}
        />
      </label>
      <button class="main">Open</button>
      <p class="note">Crowsnest printed an address with it when it started, unless it was given one by file or environment. It is kept for this tab only.</p>
    </form>
  </main>`;
}
