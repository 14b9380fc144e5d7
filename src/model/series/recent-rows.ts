/** Mean and standard deviation of the last rows over several spans, from one short ring. */
export interface RecentRows {
  ring: Float64Array;
  rows: number;
}

export function makeRecentRows(length: number): RecentRows {
  return { ring: new Float64Array(length), rows: 0 };
}

export function pushRow(recent: RecentRows, value: number): void {
  recent.ring[recent.rows % recent.ring.length] = value;
  recent.rows++;
}

/** Of the last `span` rows, or of as many as there are. Two passes: values may be large and their spread small. */
export function spanOf({ ring, rows }: RecentRows, span: number): { mean: number; deviation: number } {
  const n = Math.min(span, rows, ring.length);
  let sum = 0;
  for (let i = rows - n; i < rows; i++) sum += ring[i % ring.length] as number;
  const mean = n === 0 ? 0 : sum / n;
  let squares = 0;
  for (let i = rows - n; i < rows; i++) squares += ((ring[i % ring.length] as number) - mean) ** 2;
  return { mean, deviation: n === 0 ? 0 : Math.sqrt(squares / n) };
}
