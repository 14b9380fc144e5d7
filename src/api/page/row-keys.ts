/** `j` and `k` move the focus from row to row of a list, where enter opens what has it. */
import { useKeys } from './keys.ts';

export function useRowKeys(rows: string): void {
  const step = (by: number) => {
    const all = [...document.querySelectorAll<HTMLElement>(rows)].filter((row) => row.checkVisibility());
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  useKeys({ j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1) });
}
