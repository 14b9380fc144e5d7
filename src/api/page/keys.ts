/** Keyboard: single keys, never while someone types, never with a modifier. */
import { useEffect, useRef } from 'preact/hooks';

export type Keymap = Record<string, (() => void) | undefined>;

/** Listens for the page's keys; the newest `map` counts. Escape also leaves an input. */
export function useKeys(map: Keymap): void {
  const current = useRef(map);
  current.current = map;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement | null;
      const typing = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
      if (typing) {
        if (event.key === 'Escape') target.blur();
        return;
      }
      // Enter and blank belong to the focused control, if there is one.
      if ((event.key === 'Enter' || event.key === ' ') && target?.closest('a, button, summary') !== null) return;
      const action = current.current[event.key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

export const KEY_HELP: readonly (readonly [string, string])[] = [
  ['j  k', 'next and previous finding'],
  ['enter', 'open the finding'],
  ['esc', 'back to the list'],
  ['/', 'filter'],
  ['[  ]', "step through the object's changes, in a finding"],
  ['f', 'whole object or changed parts only, in a finding'],
  ['g', 'coverage'],
  ['?', 'this help'],
];
