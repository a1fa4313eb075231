exports.main = () => ({ date: new Date() });
