import type { JsonObject } from '../../src/domain/json.ts';

/** Values that one YAML parser or another takes for something else unless they are written with care. */
export const TRAPS: JsonObject = {
  ...{ yes: 'no', on: 'off', y: 'n', null: 'null', '~': '~', '1': '2', '<<': '<<', '=': '=', true: 'True' },
  ...{ version: '3.9.0', short: '1.10', octal: '0o17', oldOctal: '017', hex: '0x1F', grouped: '1_000', sixty: '12:30:45' },
  ...{ date: '2026-01-05', exponent: '1e3', infinite: '.inf', minus: '-', dash: '- a', question: '? a', percent: '%a' },
  ...{
    colon: 'a: b',
    hash: 'a #b',
    at: '@a',
    tick: '`a',
    star: '*a',
    and: '&a',
    bang: '!a',
    bracket: '[a',
    brace: '{a',
    pipe: '|',
  },
  ...{ empty: '', blank: ' ', ends: 'a ', begins: ' a', quotes: `"a" 'b'`, back: 'a\\b', tab: 'a\tb', newline: '\n' },
  ...{ lines: 'a\n  b\n\nc: @\n', indented: '  a\nb', trailing: 'a\n\n\n', carriage: 'a\r\nb', documents: 'a\n---\n...\nb' },
  ...{
    nextLine: 'a\u0085b',
    separator: 'a\u2028b\u2029',
    reordered: 'a\u202eb',
    hidden: 'a\u200bb\ufeff',
    beyond: 'a\u{e0041}b\u{1f600}',
  },
  ...{
    long: 'word '.repeat(60),
    number: 1.5,
    whole: 12345678901,
    none: null,
    sure: true,
    map: {},
    list: [],
    deep: [[['a'], []], { b: ['1'] }],
  },
};
