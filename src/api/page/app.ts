/** The page as a whole: which view the address asks for, what is selected, the keys that work everywhere. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { storedToken, storeToken } from './api-client.ts';
import { ChangesView } from './changes-view.ts';
import { CoverageView } from './coverage-view.ts';
import { FindingList } from './finding-list.ts';
import { FindingView } from './finding-view.ts';
import { Header } from './header.ts';
import { Help } from './help.ts';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import { type Range, useFindings, useLive, useStrip } from './live-data.ts';
import { Login } from './login.ts';
import { NamespaceView } from './namespace-view.ts';
import { ObjectView } from './object-view.ts';
import { withTerm } from './query.ts';
import { ReviewView } from './review-view.ts';
import { DEFAULT_QUERY, hashOf, type Place, parseHash } from './route-hash.ts';
import { Strip } from './strip.ts';
import type { Finding } from './types.ts';

/** The place in the address; a token handed over there is taken out at once, so that it is neither copied nor kept in history. */
function takePlace(): Place {
  const { place, token } = parseHash(location.hash);
  if (token !== undefined) {
    storeToken(token);
    history.replaceState(null, '', hashOf(place));
  }
  return place;
}

function go(place: Place): void {
  location.hash = hashOf(place);
}

export function App(): VNode {
  const [place, setPlace] = useState(takePlace);
  const [token, setToken] = useState(storedToken);
  const [help, setHelp] = useState(false);
  const [range, setRange] = useState<Range>('7 d');
  const [selectedId, setSelectedId] = useState<string>();
  const query = useRef(DEFAULT_QUERY);
  if (place.view === 'list') query.current = place.query;

  useLayoutEffect(() => {
    const onHash = () => {
      setPlace(takePlace());
      setToken(storedToken());
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);

  const live = useLive(token);
  const list = useFindings(query.current, live.version);
  const strip = useStrip(range, live);

  const openId = place.view === 'finding' ? place.id : undefined;
  const index = list.rows.findIndex((row) => row.finding.id === (openId ?? selectedId));
  const step = (by: number) => {
    const next = list.rows[index < 0 ? 0 : Math.min(list.rows.length - 1, Math.max(0, index + by))]?.finding;
    if (next === undefined) return;
    setSelectedId(next.id);
    if (openId !== undefined) go({ view: 'finding', id: next.id });
  };
  const toList = () => {
    if (openId !== undefined) setSelectedId(openId);
    go({ view: 'list', query: query.current });
  };
  const setQuery = (text: string) => go({ view: 'list', query: text });
  const wantsFilter = useRef(false);
  const toFilter = () => {
    // At once where the line is there: what is typed next belongs into it, however quickly it comes.
    const line = document.getElementById('query');
    if (line instanceof HTMLInputElement) focusOn(line);
    else {
      wantsFilter.current = true;
      toList();
    }
  };
  useLayoutEffect(() => {
    if (place.view !== 'list' || !wantsFilter.current) return;
    wantsFilter.current = false;
    const line = document.getElementById('query');
    if (line instanceof HTMLInputElement) focusOn(line);
  }, [place]);
  const open = (finding: Finding) => go({ view: 'finding', id: finding.id });
  const chosen = list.rows[index]?.finding;
  useKeys({
    j: place.view === 'list' || place.view === 'finding' ? () => step(1) : undefined,
    k: place.view === 'list' || place.view === 'finding' ? () => step(-1) : undefined,
    ArrowDown: place.view === 'list' ? () => step(1) : undefined,
    ArrowUp: place.view === 'list' ? () => step(-1) : undefined,
    Enter: place.view === 'list' && chosen !== undefined ? () => open(chosen) : undefined,
    Escape: place.view === 'list' ? undefined : toList,
    '/': toFilter,
    '?': () => setHelp(true),
    g: () => go({ view: 'coverage' }),
  });

  useEffect(() => {
    const waiting = live.stats?.pages;
    document.title = place.view === 'list' && waiting !== undefined && waiting > 0 ? `Crowsnest (${waiting} paged)` : 'Crowsnest';
  }, [place, live.stats]);

  if (live.error?.status === 401) {
    const onToken = (text: string) => {
      storeToken(text);
      setToken(text);
    };
    return html`<${Login} refused=${token !== ''} onToken=${onToken} />`;
  }
  return html`
    <${Header} live=${live} place=${place} listQuery=${query.current} onHelp=${() => setHelp(true)} />
    ${
      place.view === 'list' &&
      html`<${Strip}
        data=${strip}
        range=${range}
        onRange=${setRange}
        onOpen=${open}
        selected=${chosen?.id}
        onBrush=${(from: string, to: string) => setQuery(withTerm(withTerm(query.current, 'from', from), 'to', to))}
      />
      <${FindingList}
        data=${list}
        live=${live}
        query=${query.current}
        onQuery=${setQuery}
        selected=${index}
        onSelect=${(i: number) => setSelectedId(list.rows[i]?.finding.id)}
      />`
    }
    ${place.view === 'finding' && html`<${FindingView} id=${place.id} seq=${place.seq} live=${live} list=${list} listQuery=${query.current} onQuery=${setQuery} />`}
    ${place.view === 'coverage' && html`<${CoverageView} live=${live} />`}
    ${place.view === 'changes' && html`<${ChangesView} query=${place.query} live=${live} />`}
    ${place.view === 'object' && html`<${ObjectView} place=${place} live=${live} />`}
    ${place.view === 'namespace' && html`<${NamespaceView} place=${place} live=${live} />`}
    ${place.view === 'review' && html`<${ReviewView} live=${live} />`}
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
  `;
}

function focusOn(line: HTMLInputElement): void {
  line.focus();
  line.select();
}
