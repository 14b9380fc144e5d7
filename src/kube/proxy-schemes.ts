/** Of these schemes, `socks` and `socks5h` are `socks5` and `socks4a` is `socks4`: the proxy always looks up the name. */
export const PROXY_SCHEMES = ['http', 'https', 'socks', 'socks5', 'socks5h', 'socks4', 'socks4a'] as const;
