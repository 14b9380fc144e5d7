/** The page's place in the URL's fragment. Pure. */

export type Place =
  | { view: 'list'; query: string }
  | { view: 'finding'; id: string; seq?: number }
  | { view: 'coverage' }
  | { view: 'review' };

/** What someone sees who has not asked for anything: what was worth waking a person for. */
export const DEFAULT_QUERY = 'is:paged';

/**
 * `#/findings/<id>` is the deep link alerts carry, with `?change=<seq>` another change of its object beside it; `#/?q=…` a filtered list; `#token=…` hands the page its token once
 * (optionally followed by `&to=/findings/<id>`).
 */
export function parseHash(hash: string): { place: Place; token?: string } {
  const text = hash.replace(/^#/, '');
  if (text.startsWith('token=')) {
    const handed = new URLSearchParams(text);
    return { place: placeOf(handed.get('to') ?? '/'), token: handed.get('token') ?? '' };
  }
  return { place: placeOf(text) };
}

function placeOf(text: string): Place {
  const [path = '', search = ''] = text.split('?', 2);
  const finding = /^\/findings\/([^/]+)$/.exec(path);
  if (finding?.[1] !== undefined) {
    const change = /^[1-9]\d{0,14}$/.exec(new URLSearchParams(search).get('change') ?? '')?.[0];
    return { view: 'finding', id: decode(finding[1]), ...(change === undefined ? {} : { seq: Number(change) }) };
  }
  if (path === '/coverage') return { view: 'coverage' };
  if (path === '/review') return { view: 'review' };
  return { view: 'list', query: new URLSearchParams(search).get('q') ?? DEFAULT_QUERY };
}

/** The id as written when its escapes are broken: then it is simply not found. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function hashOf(place: Place): string {
  if (place.view === 'finding') {
    return `#/findings/${encodeURIComponent(place.id)}${place.seq === undefined ? '' : `?change=${place.seq}`}`;
  }
  if (place.view === 'coverage') return '#/coverage';
  if (place.view === 'review') return '#/review';
  return place.query === DEFAULT_QUERY ? '#/' : `#/?q=${encodeURIComponent(place.query)}`;
}
