/** Writes a subset of XML 1.0: elements with attributes, child elements and text. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children?: readonly XmlElement[];
  readonly text?: string;
}

/** Returns a document, indented by two blanks. Any text is safe: characters that XML can't express become U+FFFD. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${linesOf(root, '').join('\n')}\n`;
}

function linesOf({ name, attributes, children = [], text }: XmlElement, indent: string): string[] {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${attributeText(String(value))}"`,
  );
  const open = `${indent}<${name}${written.join('')}`;
  if (text !== undefined) return [`${open}>${elementText(text)}</${name}>`];
  if (children.length === 0) return [`${open}/>`];
  return [`${open}>`, ...children.flatMap((child) => linesOf(child, `${indent}  `)), `${indent}</${name}>`];
}

/** Characters outside Char (XML 1.0, production 2). */
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function elementText(text: string): string {
  return escaped(text, /[&<>\r]/g);
}

/** XML readers turn raw line ends and tabs in attributes into blanks, so they are written as references. */
function attributeText(text: string): string {
  return escaped(text, /[&<>"'\t\n\r]/g);
}

function escaped(text: string, pattern: RegExp): string {
  return text
    .replaceAll(forbidden, '\u{fffd}')
    .replaceAll(pattern, (character) => references[character] ?? '');
}
