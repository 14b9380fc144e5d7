/**
 * Node's HTTP module without its names taken out one by one, as an `import` of it does: three of them (`WebSocket` and what belongs to it) load a whole
 * HTTP client of Node's own, which nobody here uses.
 */
export const http = process.getBuiltinModule('node:http');
