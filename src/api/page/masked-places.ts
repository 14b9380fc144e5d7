/** Where values were masked before anything was recorded of them: what, why, how often. The values are nowhere to be had. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { apiGet } from './api-client.ts';
import { html } from './html.ts';
import type { Live } from './live-data.ts';
import { Time } from './marks.ts';
import type { MaskedPlace, MaskedPlaceList } from './types.ts';
import { visible, wholeNumber } from './words.ts';

/** The most recent ones; a cluster has hundreds, and the API tells them all. */
const SHOWN_MAX = 100;

export function MaskedPlaces({ live, several }: { live: Live; several: boolean }): VNode {
  const [places, setPlaces] = useState<MaskedPlace[]>();
  useEffect(() => {
    const ended = new AbortController();
    apiGet<MaskedPlaceList>('/v1/masked', {}, ended.signal).then(
      ({ items }) => setPlaces(items),
      // The header says that the API does not answer.
      () => {},
    );
    return () => ended.abort();
  }, [live.version]);
  if (places === undefined) return html`<p class="note">…</p>`;
  if (places.length === 0) return html`<p class="note">Nothing had to be masked.</p>`;
  const newest = [...places].sort((a, b) => Date.parse(b.last) - Date.parse(a.last)).slice(0, SHOWN_MAX);
  return html`<details>
    <summary>${places.length === 1 ? 'One place' : `${wholeNumber(places.length)} places`} whose values are kept as keyed hashes only</summary>
    <div class="scroll"><table class="plain">
      <thead><tr><th>Kind</th><th>Field</th><th>Why</th><th class="number">Times</th><th>Last</th></tr></thead>
      <tbody>
        ${newest.map(
          (place) => html`<tr>
            <td><b>${visible(place.kind)}</b>${several && html` <small>in ${visible(place.cluster)}</small>`}</td>
            <td><code>${visible(place.path)}</code></td>
            <td>${place.reason}</td>
            <td class="number">${wholeNumber(place.count)}</td>
            <td><${Time} time=${place.last} nowMs=${live.nowMs} /></td>
          </tr>`,
        )}
      </tbody>
    </table></div>
    ${places.length > SHOWN_MAX && html`<p class="note">The ${SHOWN_MAX} most recent; GET /v1/masked has all.</p>`}
  </details>`;
}
