/**
 * Figures of many objects side by side: one typed array for each figure, one row for each object (its row in a RowTable). Eight figures of
 * an object take eight words like this, and five times as much as a JavaScript object in a Map of its own. Rows that nobody wrote to hold zeros,
 * so every figure is laid out such that zero says "nothing known". Plain data: it goes into a snapshot as it is.
 */
type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;
/** Of figures that are small but may not stay so, see `putFigure`. */
export type Whole = Uint8Array | Uint16Array | Uint32Array;

const FIRST_ROWS = 64;
/** Less than doubling: what is grown into is memory that nobody uses yet. */
const GROWTH = 1.2;

/** Makes room for a row in all columns. The arrays are replaced: none may be held on to. */
export function reachRow(columns: { [figure: string]: Column }, row: number): void {
  for (const figure in columns) {
    const column = columns[figure] as Column;
    if (row < column.length) return;
    const rows = Math.max(FIRST_ROWS, row + 1, Math.ceil(column.length * GROWTH));
    const grown = new (column.constructor as new (rows: number) => Column)(rows);
    grown.set(column);
    columns[figure] = grown;
  }
}

/**
 * Writes a figure in a column that has the row, and gives the column to be kept from then on. Columns of whole numbers begin with one byte for each and become
 * as wide as the largest asks.
 */
export function putFigure(column: Whole, row: number, value: number): Whole {
  const wide = value <= 0xff ? column : wideEnough(column, value);
  wide[row] = value;
  return wide;
}

function wideEnough(column: Whole, value: number): Whole {
  if (column instanceof Uint32Array) return column;
  if (value > 0xffff) return Uint32Array.from(column);
  return column instanceof Uint8Array ? Uint16Array.from(column) : column;
}

export function clearRow(columns: { [figure: string]: Column }, row: number): void {
  for (const figure in columns) {
    const column = columns[figure] as Column;
    if (row < column.length) column[row] = 0;
  }
}
