import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { html } from './html.ts';

const SHOWN_MS = 1_500;

interface CopyProps {
  text: string;
  label: string;
  /** Beside the word on the button, for whoever hears it only. */
  spoken?: string;
  quiet?: boolean;
}

/** Copies a text and says whether that worked: a browser may refuse, and gives no clipboard to a page without TLS. */
export function CopyButton({ text, label, spoken, quiet = false }: CopyProps): VNode {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState('copied');
    } catch {
      setState('refused');
    }
    setTimeout(() => setState('idle'), SHOWN_MS);
  };
  const shown = { idle: label, copied: 'copied', refused: 'the browser refuses: mark and copy it' }[state];
  return html`<button type="button" class=${quiet ? 'quiet' : ''} onClick=${copy} aria-label=${spoken}><span aria-live="polite">${shown}</span></button>`;
}
