import { expect, test } from 'vitest';
import { type Column, renderRecord, renderTable } from './table.ts';

type Row = readonly [name: string, size: string, place: string];
const columns: readonly Column<Row>[] = [
  { title: 'name', cell: ([name]) => name },
  { title: 'size', cell: ([, size]) => size, align: 'right' },
  { title: 'place', cell: ([, , place]) => place },
];
const title = (text: string) => text;
const rows: readonly Row[] = [
  ['hello', '7', 'here'],
  ['a-much-longer-name', '1024', 'ÄÖ'],
];

test('aligns columns two blanks apart, without borders or trailing blanks', () => {
  expect(renderTable(columns, rows, { width: undefined, title })).toEqual([
    'NAME                SIZE  PLACE',
    'hello                  7  here',
    'a-much-longer-name  1024  ÄÖ',
  ]);
});

test('shows titles of an empty list', () => {
  expect(renderTable(columns, [], { width: undefined, title })).toEqual(['NAME  SIZE  PLACE']);
});

test('cuts the widest column to fit a terminal, and says so', () => {
  expect(renderTable(columns, rows, { width: 24, title })).toEqual([
    'NAME         SIZE  PLACE',
    'hello           7  here',
    'a-much-lon…  1024  ÄÖ',
  ]);
});

test('never cuts columns that are useless when cut', () => {
  const whole = columns.map((column) => ({ ...column, isWhole: column.title === 'name' }));
  const lines = renderTable(whole, [...rows, ['x', '1', 'far far away']], { width: 20, title });
  expect(lines[2]).toBe('a-much-longer-name  1024  ÄÖ');
  expect(lines[3]).toBe('x                      1  far far…');
});

test('never cuts below eight characters', () => {
  const lines = renderTable(columns, rows, { width: 1, title });
  expect(lines[2]).toBe('a-much-…  1024  ÄÖ');
});

test('counts the columns that a terminal shows, not characters', () => {
  const wide: readonly Row[] = [
    ['漢字', '1', 'a'],
    ['e\u0301te\u0301', '2', 'b'],
    ['👩‍👩‍👧', '3', 'c'],
    ['plain', '4', 'd'],
  ];
  expect(renderTable(columns, wide, { width: undefined, title })).toEqual([
    'NAME   SIZE  PLACE',
    '漢字      1  a',
    'e\u0301te\u0301       2  b',
    '👩‍👩‍👧        3  c',
    'plain     4  d',
  ]);
});

test('cuts between characters, even if half of a wide one would fit', () => {
  const lines = renderTable(columns, [['名前がとても長い', '1', 'x']], { width: 24, title });
  expect(lines[1]).toBe('名前がとて…     1  x');
  const narrow = renderTable(columns, [['名前がとても長い', '1', 'x']], { width: 23, title });
  expect(narrow[1]).toBe('名前がと…      1  x');
});

test('aligns the values of a record whose label is wide', () => {
  expect(
    renderRecord([
      ['名', 'a'],
      ['abc', 'b'],
    ]),
  ).toEqual(['名   a', 'abc  b']);
});

test('makes control characters of a cell visible', () => {
  const lines = renderTable(columns, [['a\u001b[2Jb\nc', '', '']], { width: undefined, title });
  expect(lines[1]).toBe('a\\x1b[2Jb\\nc');
});

test('colours cells after aligning and cutting, and no titles', () => {
  const painted = columns.map((column) =>
    column.title === 'size'
      ? { ...column, paint: (text: string, row: Row) => `<${text}|${row[0].length}>` }
      : column,
  );
  expect(renderTable(painted, rows, { width: undefined, title })).toEqual([
    'NAME                SIZE  PLACE',
    'hello               <   7|5>  here',
    'a-much-longer-name  <1024|18>  ÄÖ',
  ]);
});

test('renders a record', () => {
  expect(
    renderRecord([
      ['name', 'hello'],
      ['log lines', '3\u0007'],
      ['kind', ''],
    ]),
  ).toEqual(['name       hello', 'log lines  3\\x07', 'kind']);
});
