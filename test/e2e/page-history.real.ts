/** Objects and namespaces on the page, in a real Chromium: history, any two revisions, who set what, states, manifests, what changed when. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { JsonObject } from '../../src/domain/json.ts';
import { type KubeObject, refOf } from '../../src/domain/object-ref.ts';
import { history, newChange, state } from '../store/new-changes.ts';
import { launchChromium, openPage, pressOnSight, SHOTS, signedIn, withoutChromium } from '../support/page-browser.ts';
import { type SeededApi, startSeededApi } from '../support/seeded-api.ts';
import { SEED_END_MS } from '../support/seeded-store.ts';

const ORDERS = '/objects/prod-eu/kafka.strimzi.io/Kafka/streaming/orders';
const VAULT = '/objects/test/kafka.strimzi.io/Kafka/streaming/vault';
const MINUTE = 60_000;
const LONG = 2_500;
const WIDE = 5_000;

describe('objects and namespaces on the page', { skip: withoutChromium }, () => {
  let api: SeededApi;
  let browser: Browser;
  const complaints: string[] = [];
  before(async () => {
    api = await startSeededApi();
    seedMore(api);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await api?.stop();
  });
  const open = (to: string, options: BrowserContextOptions = {}): Promise<Page> =>
    openPage(browser, `${api.url}/${signedIn(to)}`, complaints, options);
  const textOf = async (page: Page, selector: string) =>
    (await page.locator(selector).allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim());

  it('leads from a finding to its object, at its change, with what was found on it and how sure it is who made it', async () => {
    const page = await open('/findings/f-listener');
    await page.getByRole('link', { name: 'Everything recorded of it' }).click();
    await page.locator('.change-list li.here').waitFor();
    assert.ok(page.url().includes(`#${ORDERS}?at=`), page.url());
    const [row = ''] = await textOf(page, '.change-list li.here');
    assert.match(row, /^16:10:00 spec\.kafka\.listeners\[\*\]\.type, spec\.kafka\.replicas kubectl-edit/);
    assert.equal(await page.locator('.change-list li.here .found a').getAttribute('href'), '#/findings/f-listener');
    await page.locator('.diff tr.flagged').first().waitFor();
    await page.getByText("a hint: by the field manager's name, which a client chooses itself").waitFor();
    const folded = await textOf(page, '.change-list .folded');
    assert.match(folded[0] ?? '', /5 reports of status, back to 20 Aug 12:36:/);
    await page.screenshot({ path: `${SHOTS}object-light.png` });
    await page.context().close();
  });

  it('goes from change to change by keys, over folded reports, and compares any two', async () => {
    const page = await open(ORDERS);
    await page.locator('.change-list li.here').waitFor();
    await page.keyboard.press('j');
    await page.locator('.change-list li.here', { hasText: 'min.insync.replicas' }).waitFor();
    const at = () => new URL(page.url().replace('#', '')).searchParams;
    const [edit] = api.store.changes({ ...named(ORDERS), path: '/spec/kafka/config/min.insync.replicas', limit: 1 }).items;
    await page.waitForURL(new RegExp(`at=${edit?.seq}$`));
    await page.keyboard.press('c');
    await page.waitForURL(/from=/);
    await page.getByText('one and the same revision').waitFor();
    await page.keyboard.press('k');
    await page.locator('.in-short li').first().waitFor();
    assert.deepEqual(await textOf(page, '.in-short li'), [
      'spec.kafka.replicas 3 → 2',
      'spec.kafka.listeners[name=plain].type internal → loadbalancer',
      'status.observedGeneration 247 → 244',
    ]);
    assert.equal(at().get('from'), String(edit?.seq));
    const url = page.url();
    await page.screenshot({ path: `${SHOTS}object-compare.png` });
    await page.keyboard.press('[');
    await page.waitForURL((now) => now.href !== url);
    // A report between the two is opened. The address moves before the list is drawn.
    await page.locator('.change-list li.report.here').waitFor();
    await page.getByRole('link', { name: 'end comparing' }).click();
    await page.waitForURL((now) => !now.hash.includes('from='));
    await page.context().close();
  });

  it('tells what moved and what changed within a document in a text', async () => {
    const [third, fourth] = api.store
      .changes({ ...named(VAULT), limit: 10 })
      .items.slice(0, 2)
      .reverse();
    const page = await open(`${VAULT}?at=${fourth?.seq}&from=${third?.seq}`);
    await page.locator('.in-short li').first().waitFor();
    assert.deepEqual(await textOf(page, '.in-short li'), [
      'spec.users[name=z] moved to another place in its list',
      'spec.dashboard a document in a text: panels[1].max 3 → 4',
      'panels[1].max 3 → 4',
    ]);
    await page.context().close();
  });

  it('shows who made a change as soon as late evidence tells, in the opened change, the list and the blame of a revision', async () => {
    const of = '/objects/test/kafka.strimzi.io/Kafka/streaming/long';
    const [change] = api.store.changes({ ...named(of), limit: 1 }).items;
    const [opened, blamed] = [await open(`${of}?at=${change?.seq}`), await open(`${of}/blame?at=${change?.seq}`)];
    await opened.locator('.who-facts dd', { hasText: 'flux' }).waitFor();
    await blamed.locator('.blame .line .by', { hasText: 'flux' }).first().waitFor();
    const actor = { name: 'late-ann', source: 'audit', confidence: 1 } as const;
    api.store.append({
      changes: [],
      amendments: [
        { seq: change?.seq as number, knownMs: SEED_END_MS, attribution: { actor, candidates: [actor], evidence: [] } },
      ],
    });
    await opened.locator('.who-facts dd', { hasText: 'late-ann' }).waitFor({ timeout: 10_000 });
    await opened.locator('.change-list li', { hasText: 'late-ann' }).waitFor({ timeout: 10_000 });
    await blamed.locator('.blame .line .by', { hasText: 'late-ann' }).first().waitFor({ timeout: 10_000 });
    await Promise.all([opened.context().close(), blamed.context().close()]);
  });

  it('filters the changes of an object by the one grammar, and says where a mistake is', async () => {
    const page = await open(ORDERS);
    await page.locator('.change-list li.here').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('path:spec.* actor:kubectl*');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.change-list li').length === 1);
    await page.locator('#query').fill('path:spec.* colour:red');
    await page.keyboard.press('Enter');
    await page.getByText(/column 13: expected one of the keys/).waitFor();
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('400 (Bad Request)')));
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('.change-list .folded').first().waitFor();
    await page.context().close();
  });

  it('names beside each line who set it, and leads to that change, to all of the field and to who had set it before', async () => {
    const page = await open(`${ORDERS}/blame`);
    await page.locator('.blame .line').first().waitFor();
    const lines = await textOf(page, '.blame .line.begins');
    const [newest] = api.store.changes({ ...named(ORDERS), limit: 1 }).items;
    assert.ok(
      lines.some((text) => new RegExp(`^20 min ago kubectl-edit ${newest?.seq} before replicas: 2 changes$`).test(text)),
      lines.join('\n'),
    );
    const replicas = page.locator('.blame .line', { hasText: 'replicas: 2' }).first();
    assert.match((await replicas.locator('i').first().getAttribute('class')) ?? '', /age-5/);
    await page.screenshot({ path: `${SHOTS}blame-light.png`, fullPage: true });
    await replicas.hover();
    await replicas.getByRole('link', { name: 'before' }).click();
    await page.locator('.blame .line', { hasText: 'replicas: 3' }).first().waitFor();
    await page.getByRole('link', { name: 'newest' }).click();
    await replicas.waitFor();
    await replicas.getByRole('link', { name: 'changes' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.change-list li').length === 1);
    assert.equal(await page.locator('#query').inputValue(), 'path:"/spec/kafka/replicas"');
    await page.goBack();
    await replicas.getByRole('link', { name: String(newest?.seq) }).click();
    await page.locator('.diff tr.flagged').first().waitFor();
    await page.context().close();
  });

  it('leads to the change before by its number, where several came in one millisecond or the clock went back', async () => {
    const times = [50, 40, 40, 45].map((minutes) => SEED_END_MS - minutes * MINUTE);
    const specs = [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }];
    api.store.append({
      changes: history('ticks', specs, 60_000).map((change, i) => ({ ...change, observedMs: times[i] as number })),
    });
    const page = await open('/objects/test/kafka.strimzi.io/Kafka/streaming/ticks/blame');
    for (const value of [4, 3, 2]) {
      const line = page.locator('.blame .line', { hasText: `a: ${value}` });
      await line.hover();
      await line.getByRole('link', { name: 'before' }).click();
      await page.waitForURL(/at=\d+$/);
      await page.locator('.blame .line', { hasText: `a: ${value - 1}` }).waitFor();
    }
    assert.equal(await page.locator('.blame').getByRole('link', { name: 'before' }).count(), 0);
    await page.context().close();
  });

  it('shows the state at a chosen time and copies it as it goes through kubectl, with masked values to put in', async () => {
    const page = await open(VAULT, { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.locator('.change-list li.here').waitFor();
    await page.keyboard.press('s');
    await page.locator('.state-text mark').first().waitFor();
    assert.deepEqual(await textOf(page, '.state-text mark'), ['masked:0123456789abcdef', 'masked:0123456789abcdef']);
    await page.getByText('2 masked values: secrets are never recorded.').waitFor();
    await page.screenshot({ path: `${SHOTS}state-masked.png`, fullPage: true });
    await page.getByRole('button', { name: 'Copy, with 2 masked values to put in' }).click();
    await page.getByText('copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^# Kafka streaming\/vault of test as change \d+ left it/);
    assert.match(copied, /^ {2}password: @MASKED$/m);
    assert.doesNotMatch(copied, /masked:|uid:|resourceVersion:/);
    // Local time in Berlin, two hours ahead of UTC in summer: after the first change and before the second.
    await page.getByRole('textbox', { name: 'At' }).fill('2026-08-21T13:29:30');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/at=2026-08-21T11%3A29%3A30\.000Z$/);
    await page.waitForFunction(() => document.querySelectorAll('.state-text mark').length === 0);
    await page.getByRole('button', { name: 'Copy for kubectl apply' }).waitFor();
    assert.match(await page.locator('.state-text .lines').innerText(), /stage: first/);
    await page.getByRole('link', { name: 'what changed since' }).click();
    await page.locator('.in-short li').first().waitFor();
    await page.context().close();
  });

  it('shows a deleted object and says when there was none', async () => {
    const page = await open('/objects/prod-us/database.example.org/XPostgreSQLInstance/_/ledger/state');
    await page.locator('.state-text .line', { hasText: 'deletionPolicy: Orphan' }).waitFor();
    assert.match(await page.locator('.head .facts').innerText(), /Deleted\s+7 h ago/);
    await page.getByRole('textbox', { name: 'At' }).fill('2026-08-21T16:00:00');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('XPostgreSQLInstance ledger did not exist at 2026-08-21T14:00:00.000Z').waitFor();
    await page.goto(`${api.url}/#/objects/prod-eu/g/Kind/ns/none`);
    await page.getByText('No Kind ns/none is recorded in cluster prod-eu').waitFor();
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('404 (Not Found)')));
    await page.context().close();
  });

  it('says what changed in a namespace between two times, each with its difference, and what was there', async () => {
    const [from, to] = [SEED_END_MS - 185 * MINUTE, SEED_END_MS - 170 * MINUTE].map((ms) => new Date(ms).toISOString());
    const page = await open(`/namespaces/test/streaming?from=${from}&to=${to}`);
    await page.locator('.objects li').first().waitFor();
    assert.deepEqual(await textOf(page, '.objects li'), [
      'new Kafka created flux 13:34:00',
      'gone Kafka deleted flux 13:33:00',
      'vault Kafka changed spec.dashboard, spec.more, spec.password and 2 more flux 13:32:00 3 changes',
    ]);
    assert.match(await page.locator('h2', { hasText: 'What changed' }).innerText(), /3 objects in 5 changes/);
    await page.locator('.objects summary', { hasText: 'vault' }).click();
    await page.locator('.opened .in-short li').first().waitFor();
    assert.match(await page.locator('.opened').innerText(), /stage[\s\S]*first → second/);
    const there = page.locator('.there');
    await there.getByRole('link', { name: 'new' }).waitFor();
    await page.getByRole('button', { name: 'at the beginning' }).click();
    await there.getByRole('link', { name: 'gone' }).waitFor();
    assert.equal(await there.getByRole('link', { name: 'new' }).count(), 0);
    await page.screenshot({ path: `${SHOTS}namespace-light.png`, fullPage: true });
    await page.getByRole('button', { name: '10 min' }).click();
    await page.waitForURL(
      (url) => url.hash.includes(`to=${encodeURIComponent(to ?? '')}`) && !url.hash.includes(encodeURIComponent(from ?? '')),
    );
    await page.locator('.objects li').first().waitFor();
    await page.context().close();
  });

  it('compares with the first change of all where the filter leaves the creation out', async () => {
    const [from, to] = [SEED_END_MS - 195 * MINUTE, SEED_END_MS - 170 * MINUTE].map((ms) => new Date(ms).toISOString());
    const page = await open(`/namespaces/test/streaming?from=${from}&to=${to}&q=${encodeURIComponent('type:MODIFIED')}`);
    // What it was comes last: until then it has to be said, too, from when on the differences are.
    const whole = Promise.withResolvers<void>();
    await page.route(/\/state\?seq=/, async (route) => {
      await whole.promise;
      await route.continue();
    });
    await page.locator('.objects summary', { hasText: 'vault' }).click();
    await page.locator('.opened .in-short li, .opened [role=alert]').first().waitFor();
    const opened = () => page.locator('.opened').innerText();
    assert.match(await opened(), /from its first change[\s\S]*stage[\s\S]*first → second/);
    whole.resolve();
    await page.locator('.opened .diff tr').first().waitFor();
    assert.match(await opened(), /from its first change[\s\S]*stage[\s\S]*first → second/);
    await page.context().close();
  });

  it('says where a list, a history or a search leaves out changes that cannot be read', async () => {
    const page = await open('/findings/f-route');
    await page.route(/\/v1\/(changes|objects\/.*\/history)\?/, async (route) => {
      const answer = await route.fetch();
      const list = (await answer.json()) as { metadata: object };
      await route.fulfill({ response: answer, json: { ...list, metadata: { ...list.metadata, damaged: 1_200 } } });
    });
    const [from, to] = [SEED_END_MS - 195 * MINUTE, SEED_END_MS - 170 * MINUTE].map((ms) => new Date(ms).toISOString());
    const during = `/namespaces/test/streaming?from=${from}&to=${to}`;
    for (const place of ['/changes', `/changes?q=${encodeURIComponent('kind:Kafka')}`, ORDERS, during]) {
      await page.goto(`${api.url}/${signedIn(place)}`);
      await page.getByText('1,200 changes could not be read: run crowsnest db check').waitFor();
    }
    await page.context().close();
  });

  it('opens what else changed around a finding', async () => {
    const page = await open('/findings/f-route');
    await page.getByRole('link', { name: 'What else changed around then' }).click();
    await page.locator('.objects li', { hasText: 'chat-completions' }).waitFor();
    assert.equal(await page.locator('.objects li').count(), 1);
    assert.deepEqual(
      await page.locator('.objects .found a').evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
      ['#/findings/f-route'],
    );
    await page.context().close();
  });

  it('searches all changes by the grammar, and leads from each to its object', async () => {
    const page = await open(`/changes?q=${encodeURIComponent('ns:inference path:spec.backends')}`);
    await page.getByText('No change fits.').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('ns:inference path:spec.backends[*].host');
    await page.keyboard.press('Enter');
    await page.locator('.change-list .row').first().click();
    await page.locator('h1', { hasText: 'chat-completions' }).waitFor();
    await page.getByRole('navigation').first().getByRole('link', { name: 'Changes' }).click();
    await page.locator('.change-list li').nth(50).waitFor();
    const [, second] = api.store.changes({ limit: 2 }).items;
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/${second?.ref.name}\\?at=${second?.seq}$`));
    await page.goBack();
    await page.locator('.change-list li').nth(50).waitFor();
    await page.screenshot({ path: `${SHOTS}changes-light.png` });
    await page.context().close();
  });

  it('pages through a long history and keeps its place', async () => {
    const page = await open('/objects/test/kafka.strimzi.io/Kafka/streaming/long');
    await page.locator('.change-list li').nth(99).waitFor();
    assert.equal(await page.locator('.change-list li').count(), 100);
    for (const loaded of [200, 300]) {
      await page.getByRole('button', { name: 'Older changes' }).click();
      await page
        .locator('.change-list li')
        .nth(loaded - 1)
        .waitFor();
    }
    await page.locator('.change-list .row').nth(250).click();
    await page.locator('.diff tr.add').first().waitFor();
    assert.match(await page.locator('.diff tr.add').innerText(), new RegExp(`"n": ${LONG - 1 - 250}\\s*$`));
    await page.keyboard.press('b');
    await page.locator('.blame .line', { hasText: `"n": ${LONG - 1 - 250}` }).waitFor();
    await page.context().close();
  });

  it('opens a change far behind the list by its number and by its time, and goes on from there', async () => {
    const long = '/objects/test/kafka.strimzi.io/Kafka/streaming/long';
    const [first] = api.store.changes({ ...named(long), limit: LONG }).items.slice(-500);
    assert.ok(first !== undefined);
    const shown = (n: number) => page.locator('.diff tr.add', { hasText: `"n": ${n}` }).waitFor();
    const page = await open(`${long}?at=${first.seq}`);
    await shown(499);
    await page.goto(`${api.url}/#${long}?at=${new Date(first.observedMs + 500).toISOString()}`);
    await shown(499);
    await page.keyboard.press('j');
    await page.locator('.change-list li.here').waitFor();
    await page.keyboard.press('j');
    await shown(498);
    await page.goto(`${api.url}/#${long}?at=1`);
    await page.getByText('1 is not a change of this object.').waitFor();
    await page.goto(`${api.url}/#${long}?at=2020-01-01T00:00:00Z`);
    await page.getByText('Nothing of it was recorded by then.').waitFor();
    await page.context().close();
  });

  it('shows of an object with thousands of fields what fits, and the rest when asked', async () => {
    const page = await open('/objects/test/kafka.strimzi.io/Kafka/streaming/wide/blame');
    await page.locator('.blame .line').nth(499).waitFor();
    assert.equal(await page.locator('.blame .line').count(), 500);
    await page.getByRole('button', { name: 'more lines' }).click();
    await page.locator('.blame .line').nth(WIDE).waitFor();
    await page.keyboard.press('s');
    await page.locator('.state-text .line').nth(999).waitFor();
    assert.equal(await page.locator('.state-text .line').count(), 1_000);
    await page.keyboard.press('h');
    await page.locator('.diff tr.add').nth(399).waitFor();
    await page.getByRole('button', { name: 'more lines' }).waitFor();
    await page.context().close();
  });

  it('keeps the list that is looked at when more of another one comes late', async () => {
    const many = Array.from({ length: 450 }, (_, i) => state(`many-${i}`, String(50_000 + i), { i }, { namespace: 'many' }));
    for (let from = 0; from < many.length; from += 150) {
      const some = many.slice(from, from + 150);
      api.store.append({ changes: some.map((object) => newChange('ADDED', object, { observedMs: SEED_END_MS - 100 * MINUTE })) });
    }
    const span = new URLSearchParams({
      from: new Date(SEED_END_MS - 50 * MINUTE).toISOString(),
      to: new Date(SEED_END_MS).toISOString(),
    });
    const page = await open(`/namespaces/test/many?${span}`);
    let answerLate = () => {};
    const late = new Promise<void>((resolve) => {
      answerLate = resolve;
    });
    await page.route(/\/v1\/objects\?.*continue=/, async (route) => {
      await late;
      await route.continue();
    });
    const answered = page.waitForResponse(/\/v1\/objects\?.*continue=/);
    await page.getByRole('button', { name: 'More objects' }).click();
    await page.getByRole('button', { name: 'at the beginning' }).click();
    await page.getByText('200+ objects').waitFor();
    answerLate();
    await (await answered).finished();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    assert.match((await textOf(page, '#there'))[0] ?? '', /200\+ objects/);
    await page.context().close();
  });

  it('reads the state at a time anew when something comes that belongs before it', async () => {
    const first = state('later', '70000', { v: 1 });
    api.store.append({ changes: [newChange('ADDED', first, { observedMs: SEED_END_MS - 60 * MINUTE })] });
    const at = new Date(SEED_END_MS + 60 * MINUTE).toISOString();
    const page = await open(`/objects/test/kafka.strimzi.io/Kafka/streaming/later/state?at=${at}`);
    await page.locator('.lines', { hasText: 'v: 1' }).waitFor();
    const second = state('later', '70001', { v: 2 });
    api.store.append({ changes: [newChange('MODIFIED', second, { before: first, observedMs: SEED_END_MS })] });
    await page.locator('.lines', { hasText: 'v: 2' }).waitFor();
    await page.context().close();
  });

  it('takes its keys as soon as it shows them', async () => {
    const page = await browser.newPage();
    await pressOnSight(page, '.tabs', 'b');
    await page.goto(`${api.url}/${signedIn(ORDERS)}`);
    await page.waitForURL(/\/blame$/);
    await page.close();
  });

  it('shows all of it dark and narrow too, names from the cluster as text, without anything wider than the window', async () => {
    const hostile = `/objects/prod-eu/gateway.example.ai/ModelRoute/inference/${encodeURIComponent('<script>alert(1)</script>')}`;
    const places = {
      object: ORDERS,
      compare: `${ORDERS}?from=20`,
      blame: `${ORDERS}/blame`,
      state: `${VAULT}/state`,
      namespace: '/namespaces/prod-eu/inference',
      'wide-names': '/namespaces/test/wide-names',
      changes: '/changes',
      hostile,
      'hostile-blame': `${hostile}/blame`,
      'hostile-state': `${hostile}/state`,
    };
    for (const [name, options] of [
      ['dark', { colorScheme: 'dark' }],
      ['laptop', { viewport: { width: 1280, height: 720 } }],
      ['narrow', { viewport: { width: 400, height: 860 } }],
    ] as const) {
      const page = await open('/', options);
      await page.locator('.findings li').first().waitFor();
      for (const [view, hash] of Object.entries(places)) {
        await page.goto(`${api.url}/#${hash}`);
        await page.locator('.diff tr, .blame .line, .state-text .line, .objects li, .changes-view li').first().waitFor();
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(overflow <= 0, `${view} ${name}: ${overflow} px too wide`);
        assert.equal(await page.locator('main script, main img').count(), 0);
        if (view.startsWith('hostile')) assert.match(await page.locator('main').innerText(), /\\u202etxt/);
        await page.screenshot({ path: `${SHOTS}${view}-${name}.png`, fullPage: name === 'narrow' });
      }
      await page.context().close();
    }
  });

  it('shows on a narrow screen the head first, and what a change did as soon as it is chosen', async () => {
    const page = await open(ORDERS, { viewport: { width: 400, height: 860 } });
    await page.locator('.diff tr.flagged').first().waitFor();
    assert.equal(await page.evaluate(() => window.scrollY), 0);
    await page.locator('.change-list .row', { hasText: 'min.insync.replicas' }).last().click();
    await page.locator('.diff tr.add', { hasText: 'min.insync.replicas' }).waitFor();
    const box = await page.locator('.diff-panel').boundingBox();
    assert.ok(box !== null && box.y >= 46 && box.y < 120, `the diff is at ${box?.y} px`);
    await page.context().close();
  });

  it('left no error in the console and violated no policy', () => {
    assert.deepEqual(complaints, []);
  });
});

function named(path: string) {
  const [cluster = '', group = '', kind = '', namespace = '', name = ''] = path.split('/').slice(2);
  return { cluster, group, kind, namespace, name };
}

/** In namespace streaming of cluster test: one with masks, a document and a list that moves, one that goes, one that comes, a long history. */
function seedMore({ store }: SeededApi): void {
  const made = (spec: JsonObject[], name: string, atMs: (i: number) => number) =>
    history(name, spec, 10_000).map((change, i) => ({ ...change, observedMs: atMs(i) }));
  const dashboard = (max: number) => JSON.stringify({ panels: [{ title: 'a' }, { title: 'b', max }] });
  const [x, y, z] = ['x', 'y', 'z'].map((name) => ({ name }) as JsonObject) as [JsonObject, JsonObject, JsonObject];
  const MASK = 'masked:0123456789abcdef';
  const vault: JsonObject[] = [
    { stage: 'first', users: [x, y, z], dashboard: dashboard(3) },
    { stage: 'second', users: [x, y, z], dashboard: dashboard(3), password: MASK, url: `postgres://app:${MASK}@db` },
    { stage: 'second', users: [x, y, z], dashboard: dashboard(3), password: MASK, url: `postgres://app:${MASK}@db`, more: 1 },
    { stage: 'second', users: [z, x, y], dashboard: dashboard(4), password: MASK, url: `postgres://app:${MASK}@db`, more: 1 },
  ];
  const gone = made([{ a: 1 }], 'gone', () => SEED_END_MS - 300 * MINUTE);
  const goneState = gone[0]?.state as KubeObject;
  const changes = [
    ...made(
      Array.from({ length: LONG }, (_, n) => ({ n })),
      'long',
      (i) => SEED_END_MS - 2 * 24 * 60 * MINUTE + i * 1_000,
    ),
    ...gone,
    ...made(
      [Object.fromEntries(Array.from({ length: WIDE }, (_, n) => [`f${n}`, n]))],
      'wide',
      () => SEED_END_MS - 2 * 24 * 60 * MINUTE,
    ),
    ...made(vault, 'vault', (i) => SEED_END_MS - (i === 0 ? 190 : 181 - i) * MINUTE),
    newChange('DELETED', goneState, { ref: refOf('test', goneState), observedMs: SEED_END_MS - 177 * MINUTE }),
    ...made([{ fresh: true }], 'new', () => SEED_END_MS - 176 * MINUTE),
    newChange(
      'ADDED',
      {
        ...state('long-names', '1', {}),
        kind: 'K'.repeat(63),
        metadata: { ...state('n'.repeat(253), '1', {}).metadata, namespace: 'wide-names' },
      },
      { actor: { name: 'a'.repeat(200), source: 'audit', confidence: 1 }, observedMs: SEED_END_MS - 170 * MINUTE },
    ),
  ];
  for (let from = 0; from < changes.length; from += 200) store.append({ changes: changes.slice(from, from + 200) });
}
