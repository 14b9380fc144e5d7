/** The page's place in the URL's fragment. Pure. */

export type Place =
  | { view: 'list'; query: string }
  | { view: 'finding'; id: string; seq?: number }
  | { view: 'coverage' }
  | { view: 'review' }
  | ObjectPlace
  | NamespacePlace
  | { view: 'changes'; query: string };

/** An object by what the API calls it. */
export interface ObjectName {
  cluster: string;
  group: string;
  kind: string;
  namespace: string;
  name: string;
}

export const TABS = ['history', 'blame', 'state'] as const;
export type Tab = (typeof TABS)[number];

export interface ObjectPlace {
  view: 'object';
  object: ObjectName;
  tab: Tab;
  /** The revision that is looked at: a change number or a time. Absent: the newest. */
  at?: string;
  /** The revision it is compared with. */
  from?: string;
  /** Only changes that fit. */
  query?: string;
}

export interface NamespacePlace {
  view: 'namespace';
  cluster: string;
  /** Empty for cluster-scoped objects. */
  namespace: string;
  from?: string;
  to?: string;
  query?: string;
}

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
  const asked = new URLSearchParams(search);
  if (path === '/changes') return { view: 'changes', query: asked.get('q') ?? '' };
  return objectPlace(path, asked) ?? namespacePlace(path, asked) ?? { view: 'list', query: asked.get('q') ?? DEFAULT_QUERY };
}

/** `#/objects/<cluster>/<group>/<kind>/<namespace>/<name>[/blame|/state]?at=&from=&q=`, with `_` as in the API. */
function objectPlace(path: string, asked: URLSearchParams): ObjectPlace | undefined {
  const parts = /^\/objects\/([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)(?:\/(blame|state))?$/.exec(path);
  if (parts === null) return undefined;
  const [cluster, group, kind, namespace, name] = parts.slice(1, 6).map((part) => decode(part)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const object = { cluster, group: blankable(group), kind, namespace: blankable(namespace), name };
  const tab = (parts[6] as Tab | undefined) ?? 'history';
  return {
    view: 'object',
    object,
    tab,
    ...given('at', revision(asked.get('at'))),
    ...given('from', revision(asked.get('from'))),
    ...given('query', asked.get('q')),
  };
}

function namespacePlace(path: string, asked: URLSearchParams): NamespacePlace | undefined {
  const parts = /^\/namespaces\/([^/]+)\/([^/]+)$/.exec(path);
  if (parts === null) return undefined;
  const [cluster, namespace] = parts.slice(1).map((part) => decode(part)) as [string, string];
  return {
    ...{ view: 'namespace', cluster, namespace: blankable(namespace) },
    ...{ ...given('from', time(asked.get('from'))), ...given('to', time(asked.get('to'))), ...given('query', asked.get('q')) },
  };
}

function given<K extends string>(key: K, value: string | null | undefined): { [key in K]?: string } {
  return value === null || value === undefined || value === '' ? {} : ({ [key]: value } as { [key in K]: string });
}

/** A change number, or a time as the API wants it. */
function revision(text: string | null): string | undefined {
  return text !== null && /^[1-9]\d{0,14}$/.test(text) ? text : time(text);
}

/** Years of four digits, as clocks and the browser's field for a time have them, with room for a span before and after. */
const [FIRST_MS, LAST_MS] = [Date.UTC(1900, 0, 1), Date.UTC(9000, 0, 1)];

function time(text: string | null): string | undefined {
  const ms = text === null ? Number.NaN : Date.parse(text);
  return ms >= FIRST_MS && ms <= LAST_MS ? new Date(ms).toISOString() : undefined;
}

function blankable(text: string): string {
  return text === '_' ? '' : text;
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
  if (place.view === 'changes') return `#/changes${searchOf({ q: place.query })}`;
  if (place.view === 'object') {
    const { object, tab, at, from, query } = place;
    return `#/objects/${objectSegments(object)}${tab === 'history' ? '' : `/${tab}`}${searchOf({ at, from, q: query })}`;
  }
  if (place.view === 'namespace') {
    const { cluster, namespace, from, to, query } = place;
    return `#/namespaces/${encodeURIComponent(cluster)}/${segment(namespace)}${searchOf({ from, to, q: query })}`;
  }
  return place.query === DEFAULT_QUERY ? '#/' : `#/?q=${encodeURIComponent(place.query)}`;
}

/** As in the API's paths. */
export function objectSegments({ cluster, group, kind, namespace, name }: ObjectName): string {
  return [cluster, segmentText(group), kind, segmentText(namespace), name].map(encodeURIComponent).join('/');
}

function segment(text: string): string {
  return encodeURIComponent(segmentText(text));
}

function segmentText(text: string): string {
  return text === '' ? '_' : text;
}

function searchOf(parameters: Record<string, string | undefined>): string {
  const asked = Object.entries(parameters).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return asked.length === 0 ? '' : `?${asked.join('&')}`;
}
