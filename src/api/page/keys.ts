/** Keyboard: single keys, never while someone types, never with a modifier. */
import { useLayoutEffect, useRef } from 'preact/hooks';

export type Keymap = Record<string, (() => void) | undefined>;

/** What listens now, the oldest first: what opened last has a key before what it lies on. */
const layers: { current: Keymap }[] = [];

/** Listens for the page's keys; the newest `map` counts. Escape also leaves an input. */
export function useKeys(map: Keymap): void {
  const current = useRef(map);
  current.current = map;
  // With the DOM, not after the next paint: whoever sees a key's name may press it.
  useLayoutEffect(() => {
    layers.push(current);
    if (layers.length === 1) document.addEventListener('keydown', onKey);
    return () => {
      layers.splice(layers.indexOf(current), 1);
      if (layers.length === 0) document.removeEventListener('keydown', onKey);
    };
  }, []);
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement | null;
  const typing = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  if (typing) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  // Enter and blank belong to the focused control, if there is one.
  if ((event.key === 'Enter' || event.key === ' ') && target?.closest('a, button, summary') !== null) return;
  const action = layers.findLast(({ current }) => current[event.key] !== undefined)?.current[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}

export const KEY_HELP: readonly (readonly [string, string])[] = [
  ['j  k', 'next and previous finding, or change of an object'],
  ['enter', 'open the finding'],
  ['esc', 'back to the list'],
  ['/', 'filter'],
  ['[  ]', "step through the object's changes"],
  ['h  b  s', 'changes, who set what, state at a time, of an object'],
  ['c', 'compare from the chosen change of an object, or end that'],
  ['f', 'whole object or changed parts only'],
  ['e  w', 'say that it was expected, or wrong, in a finding'],
  ['u', 'undo the last of what was said, in a finding'],
  ['g', 'coverage'],
  ['?', 'this help'],
];
