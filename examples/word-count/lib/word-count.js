// Finds the most frequent words of a text. A zip action: its package.json names this file.
const { wordsOf } = require('./words.js');

exports.main = ({ text = '', top = 3 }) => {
  const counts = new Map();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, top);
  return { words: words.map(([word, count]) => ({ word, count })) };
};
