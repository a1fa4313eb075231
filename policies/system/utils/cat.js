exports.main = ({ lines = [] }) => ({ lines, payload: lines.join('\n') });
