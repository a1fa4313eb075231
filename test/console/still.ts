/**
 * Replaces what changes from run to run, or from machine to machine, while a picture of a page is taken: figures, times, ids,
 * charts, news, logs, and the name of the machine.
 */
import { hostname } from 'node:os';
import type { Page } from 'playwright-core';

/** @returns what puts everything back */
export async function holdStill(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(hold);
  return async () => void (await page.evaluate('globalThis.wardThaw()'));
}

/** Changes no text of an editor, which would take it for input. */
const hold = `(() => {
  const undo = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node;
    const before = text.data;
    text.data = text.parentElement.closest('time') ? 'time' : before === ${JSON.stringify(hostname().split('.')[0])} ? 'node' : before
      .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:' + '0'.repeat(64))
      .replaceAll(/\\/tmp\\/[\\w-]+/g, '/tmp/0')
      .replaceAll(/(?<![\\w-])[0-9]{4}-[a-z-]+(?![\\w-])/g, 'migration')
      .replaceAll(/(?=[\\w-]*[0-9])[\\w-]{8,}|[0-9]+(?:[.,:][0-9]+)*/g, (id) => '0'.repeat(/\\w{8}/.test(id) ? id.length : 1))
      .replaceAll(/(?<![0-9])0\\s?(?:µs|ms|s|min|h|d|B|KiB|MiB|GiB)(?!\\w)/g, '0 s');
    undo.push(() => { text.data = before; });
  }
  const set = (element, name, value) => {
    const before = element.style.getPropertyValue(name);
    element.style.setProperty(name, value);
    undo.push(() => element.style.setProperty(name, before));
  };
  for (const element of document.querySelectorAll('.bars, .phases, .meter-bar, .toasts, .log'))
    set(element, 'visibility', 'hidden');
  for (const host of document.querySelectorAll('*'))
    for (const caret of host.shadowRoot?.querySelectorAll('.cm-cursorLayer') ?? [])
      set(caret, 'visibility', 'hidden');
  set(document.documentElement, 'caret-color', 'transparent');
  globalThis.wardThaw = () => { for (const each of undo) each(); };
})()`;
