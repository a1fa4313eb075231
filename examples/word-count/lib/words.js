exports.wordsOf = (text) => text.toLowerCase().match(/\p{L}+/gu) ?? [];
