/** A line for a filter in the grammar that the API and the command line have too. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.ts';

interface FormProps {
  query: string;
  onQuery: (query: string) => void;
  placeholder: string;
}

export function QueryForm({ query, onQuery, placeholder }: FormProps): VNode {
  const [text, setText] = useState(query);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(query), [query]);
  const ask = (event: Event) => {
    event.preventDefault();
    onQuery(text.trim());
    input.current?.blur();
  };
  return html`<form class="query" role="search" onSubmit=${ask}>
    <label>
      <span class="hidden">Only changes that fit</span>
      <input id="query" ref=${input} value=${text} placeholder=${placeholder} spellcheck=${false} autocomplete="off"
        onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)} />
      <kbd>/</kbd>
    </label>
    ${query !== '' && html`<button type="button" class="quiet" onClick=${() => onQuery('')}>Clear</button>`}
  </form>`;
}
