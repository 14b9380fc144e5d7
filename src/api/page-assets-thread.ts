/** The thread of page-assets.ts: reads the page's files, hands them over and ends. */
import { parentPort } from 'node:worker_threads';
import { readPageAssets } from './page-assets.ts';

parentPort?.postMessage(readPageAssets());
