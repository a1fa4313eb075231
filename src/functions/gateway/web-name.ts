/** How a URL names a web action: its name, and the form of the result. */

export const webExtensions = ['http', 'json', 'html', 'svg', 'text'] as const;
export type WebExtension = (typeof webExtensions)[number];

/**
 * `name.json` → `name`, `json`. An ending that is not a known extension belongs to the name; then the extension is
 * `http`.
 */
export function splitWebName(text: string): readonly [name: string, extension: WebExtension] {
  const extension = webExtensions.find((each) => text.endsWith(`.${each}`));
  return extension === undefined ? [text, 'http'] : [text.slice(0, -extension.length - 1), extension];
}
