exports.main = ({ lines = [] }) => ({ lines: lines.toSorted(), length: lines.length });
