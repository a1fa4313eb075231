/** Names and texts as hostile tenants choose them, for every page that shows any. */

/** A page that takes it as HTML opens a dialog, which the browser of the tests reports. */
export const script = '<img src=x onerror=alert(1)>';
/** 250 characters without a place to break. */
export const longName = 'n'.repeat(250);
/** The oddest that the names of entities may have. */
export const oddName = 'on upload @ 10.30 - a.b';
export const foreignText = 'Grüße 日本語 العربية';
/** Reorders what follows, and clears a terminal. A page shows each as its number. */
export const controls = '\u202e\u2066\u001b[2J\u0007';
/** All of it at once. */
export const hostileText = `${script}${controls}${foreignText}${longName}`;
