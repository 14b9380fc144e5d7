/** A moment as a person of this time zone writes it; what counts is sent when they say so, not with every digit. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { html } from './html.ts';
import { localInput, utcTime } from './words.ts';

interface MomentProps {
  label: string;
  /** As the API writes times. */
  value: string;
  onInput: (time: string | undefined) => void;
}

export function Moment({ label, value, onInput }: MomentProps): VNode {
  const [text, setText] = useState(localInput(value));
  useEffect(() => setText(localInput(value)), [value]);
  const type = (event: Event) => {
    const typed = (event.target as HTMLInputElement).value;
    setText(typed);
    const ms = Date.parse(typed);
    onInput(Number.isNaN(ms) ? undefined : new Date(ms).toISOString());
  };
  return html`<label class="moment" title=${`Your local time; ${utcTime(value)}`}><span>${label}</span>
    <input type="datetime-local" step="1" value=${text} onInput=${type} />
  </label>`;
}

interface AtProps {
  label: string;
  value: string;
  onTime: (time: string) => void;
}

/** One moment and a button to go there. */
export function GoToTime({ label, value, onTime }: AtProps): VNode {
  const [typed, setTyped] = useState<string>();
  useEffect(() => setTyped(undefined), [value]);
  const go = (event: Event) => {
    event.preventDefault();
    if (typed !== undefined) onTime(typed);
  };
  return html`<form class="go-to" onSubmit=${go}>
    <${Moment} label=${label} value=${value} onInput=${setTyped} />
    <button disabled=${typed === undefined}>Show</button>
  </form>`;
}
