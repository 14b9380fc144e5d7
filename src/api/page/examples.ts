/** Earlier changes that show what is usual: each opens beside the finding, under an address of its own. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import { Time } from './marks.ts';
import { hashOf } from './route-hash.ts';
import type { Finding } from './types.ts';
import { visible } from './words.ts';

interface ExamplesProps {
  finding: Finding;
  shown: number | undefined;
  nowMs: number;
  onShow: (seq: number) => void;
}

export function Examples({ finding, shown, nowMs, onShow }: ExamplesProps): VNode | null {
  const { examples = [] } = finding;
  if (examples.length === 0) return null;
  return html`<div class="examples">
    <h3>Earlier changes like what is usual</h3>
    <ul>
      ${examples.map(
        ({ seq, time, actor }) => html`<li>
          <a href=${hashOf({ view: 'finding', id: finding.id, seq })} onClick=${() => onShow(seq)} aria-current=${seq === shown ? 'true' : undefined}>change ${seq}</a> by ${visible(actor)}, <${Time} time=${time} nowMs=${nowMs} />
        </li>`,
      )}
    </ul>
  </div>`;
}
