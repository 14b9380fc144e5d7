/** The plain store of the tests keeps the contract, so what runs on it says something of the real one. */
import { checkStore } from '../contract/check-store.ts';
import { openMemoryStore } from '../support/memory-store.ts';

checkStore('in memory', openMemoryStore);
