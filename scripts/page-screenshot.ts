/** Writes docs/page.png, the demo's page with its strongest finding of a change, and docs/page-blame.png, who set what of its object. Needs Chromium (CHROMIUM_PATH, or Debian's). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = new URL('..', import.meta.url);
const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const demo = spawn(process.execPath, [fileURLToPath(new URL('src/crowsnest.js', ROOT)), 'demo', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let text = '';
demo.stdout.setEncoding('utf8').on('data', (chunk: string) => {
  text += chunk;
});
const url = await new Promise<string>((resolve, reject) => {
  demo.stdout.on('data', () => {
    const match = /http:\/\/\S+#token=\S+/.exec(text);
    if (match !== null) resolve(match[0]);
  });
  demo.once('exit', (code) => reject(new Error(`the demo ended with ${code}`)));
});
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium', args: CHROMIUM_ARGS });
try {
  const page = await browser.newPage({
    viewport: { width: 1440, height: 900 },
    colorScheme: 'light',
    timezoneId: 'UTC',
    locale: 'en-GB',
  });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  await page.locator('main').waitFor();
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: fileURLToPath(new URL('docs/page-list.png', ROOT)) });
  const token = new URL(url).hash.slice('#token='.length);
  const answer = await fetch(`${new URL(url).origin}/v1/findings?verdict=page&limit=100`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { items } = (await answer.json()) as {
    items: { id: string; score: number; subject: { type: string; changeType?: string }; reasons: unknown[] }[];
  };
  const edits = items.filter((item) => item.subject.changeType === 'MODIFIED');
  const shown = edits.sort((a, b) => b.reasons.length - a.reasons.length || b.score - a.score)[0] ?? items[0];
  if (shown === undefined) throw new Error('the demo flagged nothing');
  await page.goto(`${new URL(url).origin}/#/findings/${shown.id}`);
  await page.waitForLoadState('networkidle');
  await page.getByText('Why is that odd?').waitFor();
  await page.locator('.timeline .dot').first().waitFor();
  await page.screenshot({ path: fileURLToPath(new URL('docs/page.png', ROOT)) });
  await page.getByRole('link', { name: 'Everything recorded of it' }).click();
  await page.locator('.tabs').waitFor();
  await page.keyboard.press('b');
  await page.locator('.blame .line').first().waitFor();
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: fileURLToPath(new URL('docs/page-blame.png', ROOT)) });
  if (errors.length > 0) throw new Error(`the page reported: ${errors.join('; ')}`);
} finally {
  await browser.close();
  const ended = once(demo, 'exit');
  demo.kill('SIGTERM');
  await ended;
}
