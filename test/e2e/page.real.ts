/** The page in a real Chromium on seeded data: list, finding, diff, time line, keys, hostile names; no console error, no CSP violation. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { examplesOf } from '../../src/api/examples.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { DESKTOP, launchChromium, openPage, pressOnSight, SHOTS, signedIn, withoutChromium } from '../support/page-browser.ts';
import { type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';

describe('the page', { skip: withoutChromium }, () => {
  let api: SeededApi;
  let browser: Browser;
  const complaints: string[] = [];

  before(async () => {
    api = await startSeededApi();
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await api?.stop();
  });

  const open = (hash: string, options: BrowserContextOptions = {}): Promise<Page> =>
    openPage(browser, `${api.url}/${hash}`, complaints, options);

  it('takes a verdict with its scope after saying what it would have done, and takes it back, by keys', async () => {
    const page = await open(signedIn('/findings/f-listener'));
    await page.locator('.verdict .choices').waitFor();
    await page.keyboard.press('w');
    await page.getByText('Wrong: what should alert sooner from now on?').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('e');
    await page.getByText('Expected: what is fine from now on?').waitFor();
    await page.getByText('In the last 30 days it speaks of').waitFor();
    await page.getByText('This very finding is of a sort that no verdict mutes').waitFor();
    await page.getByLabel('stable field on all Kafka objects in streaming by kubectl-edit').check();
    await page.getByLabel('a week').check();
    await page.getByLabel('Your name').fill('ann <b>');
    await page.getByLabel('Why, for whoever reads it later').fill('planned');
    await page.screenshot({ path: `${SHOTS}verdict.png`, fullPage: true });
    await page.getByRole('button', { name: 'It is expected' }).click();
    await page.getByText('called it').waitFor();
    const said = await page.locator('.said').innerText();
    assert.match(
      said,
      /^ann <b> called it expected: stable field on all Kafka objects in streaming by kubectl-edit, until .*planned/,
    );
    const { items } = (await (await api.get('/v1/verdicts?finding=f-listener')).json()) as { items: Record<string, unknown>[] };
    assert.deepEqual(items[0]?.scope, {
      ...{ cluster: 'prod-eu', detector: 'stable-field', group: 'kafka.strimzi.io', kind: 'Kafka', namespace: 'streaming' },
      actor: 'kubectl-edit',
    });
    await page.locator('h1').click();
    await page.keyboard.press('u');
    await page.locator('.said').waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('takes a key as soon as it shows it', async () => {
    const context = await browser.newContext(DESKTOP);
    const page = await context.newPage();
    await pressOnSight(page, '.verdict .choices', 'w');
    await page.goto(`${api.url}/${signedIn('/findings/f-listener')}`);
    await page.getByText('Wrong: what should alert sooner from now on?').waitFor();
    await context.close();
  });

  it('keeps what somebody types while the service fails for a moment', async () => {
    const page = await open(signedIn('/findings/f-listener'));
    await page.locator('.verdict .choices').waitFor();
    await page.keyboard.press('e');
    await page.getByLabel('Why, for whoever reads it later').fill('planned since');
    const broken = page.waitForResponse((answer) => answer.url().includes('/v1/findings/f-listener') && answer.status() === 503);
    await page.route('**/v1/findings/f-listener', (route) => route.fulfill({ status: 503, json: { message: 'away' } }));
    // New counts make the page read the finding again.
    await page.route('**/v1/stats', async (route) => {
      const stats = (await (await route.fetch()).json()) as { changes: number };
      await route.fulfill({ json: { ...stats, changes: stats.changes + 1 } });
    });
    await (await broken).finished();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    assert.equal(await page.getByLabel('Why, for whoever reads it later').inputValue(), 'planned since');
    await page.context().close();
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('503 (Service Unavailable)')));
  });

  it('counts the changes of an object once they are read, and says so until then', async () => {
    const page = await open('');
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/history?*', async (route) => {
      await asked;
      await route.continue();
    });
    await page.goto(`${api.url}/${signedIn('/findings/f-listener')}`);
    await page.getByText('Reading what was recorded of this object').waitFor();
    assert.equal(await page.locator('.timeline').count(), 0);
    answer();
    await page.locator('.timeline .dot').first().waitFor();
    await page.context().close();
  });

  it('asks for the token, refuses a wrong one and takes the right one', async () => {
    const page = await open('');
    await page.getByText('This service needs its access token.').waitFor();
    await page.getByLabel('Token').fill('not-the-right-token');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('That token is not the one').waitFor();
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('.findings li').first().waitFor();
    await page.context().close();
    // The browser itself reports the 401s that asking for the token consists of.
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('401 (Unauthorized)')));
  });

  it('takes the token out of the address at once and shows what was paged, newest first', async () => {
    const page = await open(signedIn('/'));
    await page.locator('.findings li').first().waitFor();
    assert.ok(!page.url().includes(TOKEN));
    const paged = Object.values(api.findings).filter((finding) => finding.decision.verdict === 'page');
    assert.equal(await page.locator('.findings li').count(), paged.length);
    assert.match(
      (await page.locator('.findings li').first().innerText()) ?? '',
      /orders[\s\S]*Kafka[\s\S]*never changed in 214 edits[\s\S]*20 min ago/,
    );
    await page.locator('.strip .bar').first().waitFor();
    await page.screenshot({ path: `${SHOTS}list-light.png` });
    await page.context().close();
  });

  it('goes by keyboard from the list to a finding with reasons, diff and time line, and back', async () => {
    const page = await open(signedIn('/'));
    await page.locator('.findings li').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.locator('.findings li.here').waitFor();
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/findings\/f-listener$/);
    await page.locator('.diff tr.flagged').first().waitFor();
    const flagged = await page.locator('.diff tr.flagged').allInnerTexts();
    assert.deepEqual(
      flagged.map((text) => text.replaceAll(/\s+/g, ' ').trim()),
      ['- replicas: 3', '+ replicas: 2 usually 3', '- type: internal', '+ type: loadbalancer usually internal'],
    );
    assert.equal(await page.locator('.reasons li').count(), 3);
    await page.getByText('once in').first().waitFor();
    await page.locator('.timeline .dot.here').first().waitFor();
    assert.ok((await page.locator('.timeline .dot').count()) > 100);
    const told = await page.locator('.events li').allInnerTexts();
    assert.equal(told.length, 2);
    assert.match(told[0] ?? '', /^NotReady Broker 2 did not become ready in time\s+14 times, .* by strimzi.io\/cluster-operator/);
    assert.ok((await page.getByText('kubectl describe -n streaming kafkas.v1beta2.kafka.strimzi.io orders').count()) > 0);
    await page.screenshot({ path: `${SHOTS}finding-light.png` });
    // The three answers stand on a small laptop's screen without scrolling.
    await page.setViewportSize({ width: 1280, height: 720 });
    for (const question of ['What changed?', 'Why is that odd?', 'What can I do?']) {
      const box = await page.getByRole('heading', { name: question }).boundingBox();
      assert.ok(box !== null && box.y + box.height < 720, question);
    }
    await page.setViewportSize(DESKTOP.viewport);
    await page.keyboard.press('[');
    await page.getByText('back to the flagged change').waitFor();
    await page.keyboard.press('j');
    await page.waitForURL(/#\/findings\/f-series$/);
    await page.locator('.series canvas').waitFor();
    await page.screenshot({ path: `${SHOTS}series-light.png` });
    await page.keyboard.press('Escape');
    await page.locator('.findings li.here').waitFor();
    await page.context().close();
  });

  it('filters by the query line, which is also the address', async () => {
    const page = await open(signedIn('/'));
    await page.locator('.findings li').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('kind:ModelRoute');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=kind%3AModelRoute/);
    await page.waitForFunction(() => document.querySelectorAll('.findings li').length === 2);
    await page.goto(`${api.url}/#/?q=${encodeURIComponent('severity:silly')}`);
    await page.getByText('severity: is info, warning or critical').waitFor();
    await page.goto(`${api.url}/#/?q=nosuchword`);
    await page.getByText('No finding matches').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
    await page.screenshot({ path: `${SHOTS}help-light.png` });
    await page.context().close();
  });

  it('shows what a resource contains as text, and makes reordering characters visible', async () => {
    const page = await open(signedIn('/findings/f-hostile'));
    await page.locator('.diff tr').first().waitFor();
    const text = await page.locator('main').innerText();
    assert.ok(text.includes('<script>alert(1)</script>'));
    assert.ok(text.includes('</td><img src=x onerror=alert(2)>'));
    assert.ok(text.includes('\\u202etxt'));
    assert.equal(await page.locator('main script, main img, main b:has-text("mallory"), main dd i:has-text("x")').count(), 0);
    await page.screenshot({ path: `${SHOTS}hostile-light.png` });
    await page.context().close();
  });

  it('shows findings of every sort, dark and narrow too, without anything wider than the window', async () => {
    for (const [name, options] of [
      ['dark', { colorScheme: 'dark' }],
      ['laptop', { viewport: { width: 1280, height: 720 } }],
      ['narrow', { viewport: { width: 400, height: 860 } }],
    ] as const) {
      const page = await open(signedIn('/?q='), options);
      await page.locator('.findings li').nth(7).waitFor();
      await page.screenshot({ path: `${SHOTS}list-${name}.png`, fullPage: name === 'narrow' });
      for (const id of Object.values(api.findings).map((finding) => finding.id)) {
        await page.goto(`${api.url}/#/findings/${id}`);
        await page.locator('.timeline svg, .diff tr').first().waitFor();
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(overflow <= 0, `${id} ${name}: ${overflow} px too wide`);
        if (name === 'dark' || id === 'f-listener') {
          await page.locator('.diff.loading').waitFor({ state: 'detached' });
          await page.screenshot({ path: `${SHOTS}${id}-${name}.png`, fullPage: name === 'narrow' });
        }
      }
      await page.goto(`${api.url}/#/coverage`);
      await page.getByText('keda.sh').first().waitFor();
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(tooWide <= 0, `coverage ${name}: ${tooWide} px too wide`);
      await page.screenshot({ path: `${SHOTS}coverage-${name}.png` });
      await page.context().close();
    }
  });

  it('shows under coverage what is not seen first, with the rule to add, which cluster is away, and what is left out', async () => {
    const page = await open(signedIn('/coverage'));
    const rows = page.locator('section', { has: page.getByRole('heading', { name: 'Not seen' }) }).locator('tbody tr');
    assert.match(await rows.first().innerText(), /ScaledObject.*forbidden/s);
    assert.match(await rows.first().locator('code').innerText(), /^- \{apiGroups: \["keda.sh"\].*\}$/);
    assert.match(
      await page.locator('.clusters:not(.sources)').innerText(),
      /prod-eu.*canary came back after 31 ms.*prod-us.*not reached for 12 min/s,
    );
    assert.match(await page.locator('.sources').innerText(), /nats\/changes\s*not reached for .*\s*connection refused/);
    assert.match(await page.locator('header').innerText(), /2 not seen.*1 cluster not reached/s);
    assert.equal(await page.getByText('CiliumEndpoint').isVisible(), false);
    await page.getByText('One kind left out on purpose').click();
    assert.ok(await page.getByText('CiliumEndpoint').isVisible());
    await page.context().close();
  });

  it('shows earlier changes that show what is usual, each under an address of its own, and the way back', async () => {
    const examples = (await examplesOf(asAsync(api.store), api.findings.deleted)) ?? [];
    const [example] = examples;
    assert.ok(example !== undefined);
    const page = await open(signedIn('/findings/f-deleted'));
    const links = page.locator('.examples a');
    await links.first().waitFor();
    assert.equal(await links.count(), examples.length);
    await page.screenshot({ path: `${SHOTS}examples.png`, fullPage: true });
    await links.first().click();
    const back = page.getByRole('button', { name: 'back to the flagged change' });
    await back.waitFor();
    assert.ok(page.url().endsWith(`#/findings/f-deleted?change=${example.seq}`), page.url());
    assert.equal(await links.first().getAttribute('aria-current'), 'true');
    await page.reload();
    await back.click();
    await page.waitForURL((url) => url.hash === '#/findings/f-deleted');
    await back.waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('lists what did not page and waits for a word, and what is answered after it', async () => {
    const page = await open(signedIn('/review'));
    const waiting = page.locator('section', { hasText: 'Waits for your word' });
    await waiting.getByRole('link', { name: 'checkout-canary' }).waitFor();
    await page.getByText('too few answers').first().waitFor();
    await page.screenshot({ path: `${SHOTS}review.png`, fullPage: true });
    await waiting.getByRole('link', { name: 'checkout-canary' }).click();
    await page.locator('.verdict .choices').waitFor();
    await page.keyboard.press('w');
    await page.getByLabel('Your name').fill('ann');
    await page.getByRole('button', { name: 'It was wrong' }).click();
    await page.getByText('called it').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Review' }).click();
    await page.locator('section', { hasText: 'Answered' }).getByText('said ann').waitFor();
    assert.equal(await waiting.getByRole('link', { name: 'checkout-canary' }).count(), 0);
    const said = page.locator('.said-table');
    await said.getByText('made no difference yet').waitFor();
    assert.equal(await said.getByRole('link', { name: 'wrong' }).getAttribute('href'), '#/findings/f-created');
    await page.context().close();
  });

  it('left no error in the console and violated no policy', () => {
    assert.deepEqual(complaints, []);
  });
});
