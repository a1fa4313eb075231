/** Names and texts as hostile tenants choose them, for every page that shows any. */

/** A page that takes it as HTML opens a dialog, which the browser of the tests reports. */
export const script = '<img src=x onerror=alert(1)>';
/** 250 characters without a place to break. */
export const longName = 'n'.repeat(250);
/** The oddest that the names of entities may have. */
export const oddName = 'on upload @ 10.30 - a.b';
export const foreignText = 'Grüße 日本語 العربية';
