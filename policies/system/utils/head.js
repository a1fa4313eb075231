exports.main = ({ lines = [], num = 1 }) => ({ lines: lines.slice(0, num), num });
