/** The page in a real Chromium: opened with what it complains of kept, and where its pictures go. */
import { existsSync, mkdirSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { TOKEN } from './seeded-api.ts';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
export const SHOTS = new URL('../../out/page/', import.meta.url).pathname;
export const DESKTOP = {
  viewport: { width: 1440, height: 900 },
  timezoneId: 'Europe/Berlin',
  locale: 'en-GB',
} satisfies BrowserContextOptions;

/** For `skip`: false where the browser is there. */
export const withoutChromium: string | false = existsSync(CHROMIUM) ? false : `no Chromium at ${CHROMIUM}; set CHROMIUM_PATH`;

export function launchChromium(): Promise<Browser> {
  mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/** A context of its own; errors and warnings of the console, of scripts, and every dialog are added to `complaints`. */
export async function openPage(
  browser: Browser,
  url: string,
  complaints: string[],
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ ...DESKTOP, ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return page;
}

export const signedIn = (to: string) => `#token=${TOKEN}&to=${encodeURIComponent(to)}`;

/** Presses a key in the same breath in which what tells of it comes into the document: nobody is quicker. To be called before the page is opened. */
export async function pressOnSight(page: Page, selector: string, key: string): Promise<void> {
  await page.addInitScript(
    (asked) => {
      new MutationObserver((_, observer) => {
        if (document.querySelector(asked.selector) === null) return;
        observer.disconnect();
        document.dispatchEvent(new KeyboardEvent('keydown', { key: asked.key }));
      }).observe(document, { childList: true, subtree: true });
    },
    { selector, key },
  );
}
