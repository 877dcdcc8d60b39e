// The requirements of OWASP ASVS 5.0 that a session library decides or touches, in words of our own. Which tests prove one
// is told by their titles: tools/security-page.mjs.

/**
 * Whose duty each is. L: the library does it by itself. L+A: it has the means, and the app puts them to use. A: the app's.
 * D: to be documented.
 * @type {Readonly<Record<string, readonly (readonly [id: string, level: 1 | 2 | 3, duty: 'L' | 'L+A' | 'A' | 'D', asks: string])[]>>}
 */
export const chapters = {
  'V3 Web frontend: cookies and requests of other sites': [
    ['3.3.1', 1, 'L', 'Cookies are `Secure`, with the prefix `__Host-` or `__Secure-`'],
    ['3.3.2', 2, 'L', 'Cookies have the `SameSite` that their purpose needs'],
    ['3.3.3', 2, 'L', 'Cookies have the prefix `__Host-` unless they are shared on purpose'],
    ['3.3.4', 2, 'L', 'What scripts need not read is `HttpOnly`, and is given by `Set-Cookie` alone'],
    ['3.3.5', 3, 'L', 'A cookie has at most 4,096 bytes'],
    ['3.5.1', 1, 'L', 'Requests that other sites forge are told and refused'],
    ['3.5.2', 1, 'L', 'Where a preflight is the defence, nothing gets by without one'],
    ['3.5.3', 1, 'L', 'What changes something takes no safe method, such as `GET`'],
  ],
  'V7 Session management': [
    ['7.1.1', 2, 'D', 'Idle and absolute lifetimes are documented, and where they differ from NIST SP 800-63B'],
    ['7.1.2', 2, 'L+A', 'How many sessions a user may have, and what happens beyond, is documented'],
    ['7.1.3', 2, 'D', 'All systems that hold sessions of a federation are documented, and how they end together'],
    ['7.2.1', 1, 'L', 'Session tokens are verified at a trusted backend'],
    ['7.2.2', 1, 'L', 'Tokens are made for each session; there are no static keys'],
    ['7.2.3', 1, 'L', 'Reference tokens are unique, of 128 or more bits from a strong source of chance'],
    ['7.2.4', 1, 'L', 'A login, a repeated one, too, makes new tokens and ends those before'],
    ['7.3.1', 2, 'L', 'An unused session ends'],
    ['7.3.2', 2, 'L', 'A session ends after an absolute time'],
    ['7.4.1', 1, 'L', 'After a logout or an expiry no token is of use, self-contained ones among them'],
    ['7.4.2', 1, 'L+A', 'All sessions end when a user is disabled or deleted'],
    ['7.4.3', 2, 'L', 'All other sessions can be ended after a change of a password or another factor'],
    ['7.4.4', 2, 'A', 'Every page that needs a login shows how to log out'],
    ['7.4.5', 2, 'L+A', 'Administrators can end the sessions of one user, or of all'],
    ['7.5.1', 2, 'L+A', 'What a login rests on is changed only after a full new login'],
    ['7.5.2', 2, 'L', 'Users see their sessions and, once they logged in again with a factor, can end them'],
    ['7.5.3', 3, 'L+A', 'What is highly sensitive asks for one more factor'],
    ['7.6.1', 2, 'L+A', 'Lifetime and end of sessions between an identity provider and its clients are as documented'],
    ['7.6.2', 2, 'A', 'A session begins only by an act of the user'],
  ],
  'V8 Authorization': [['8.3.2', 3, 'L', 'Changed rights are in force at once, or there are means against the delay']],
  'V9 Self-contained tokens': [
    ['9.1.1', 1, 'L', 'The signature is verified before anything in the token is believed'],
    ['9.1.2', 1, 'L', 'Algorithms are from a list, never `none`, and either symmetric or asymmetric'],
    ['9.1.3', 1, 'L', 'Keys come from configuration, not from what the token says (`jwk`, `jku`, `x5u`, `x5c`)'],
    ['9.2.1', 1, 'L', 'The times in a token are enforced'],
    ['9.2.2', 2, 'L', 'A token is taken only for what its type is for'],
    ['9.2.3', 2, 'L', 'Only tokens for this audience are taken'],
    ['9.2.4', 2, 'L+A', 'Tokens of one key for several audiences say which they are for'],
  ],
  'V10 OAuth and OpenID Connect, where it touches sessions': [
    ['10.1.1', 2, 'L+A', 'Tokens go only to what needs them: with a backend for a page, not to the page'],
    ['10.3.1', 2, 'L', 'A resource server takes only access tokens that are meant for it'],
    ['10.3.3', 2, 'L', 'Users are told apart by what is never given to another (`iss` and `sub`)'],
    ['10.3.4', 2, 'L', 'How strong and how recent a login was is checked (`acr`, `amr`, `auth_time`)'],
    ['10.3.5', 3, 'L', 'A stolen access token is of no use: it is bound to its sender'],
    ['10.4.5', 1, 'L', 'A refresh token shown again ends all of its authorization'],
    ['10.4.8', 2, 'L', 'Refresh tokens have an absolute end, also where their idle one moves'],
    ['10.4.9', 2, 'L', 'Users can revoke refresh tokens'],
    ['10.4.10', 2, 'L+A', 'Confidential clients authenticate at the back channel, to revoke among other things'],
    ['10.4.14', 3, 'L', 'Only access tokens bound to their sender are issued'],
    ['10.5.5', 2, 'L', 'A back-channel logout token is checked in full'],
    ['10.6.2', 2, 'L', 'An OpenID provider lets nobody else log its users out'],
  ],
  'V11 Cryptography': [
    ['11.2.4', 3, 'L', 'Comparisons of secrets take constant time'],
    ['11.5.1', 2, 'L', 'What must not be guessed has 128 or more bits from a strong source of chance, and is no UUID'],
  ],
  'V14 Data protection': [
    ['14.2.1', 1, 'L', 'Tokens are sent in headers and bodies, never in an address'],
    ['14.3.1', 1, 'L', 'What the browser keeps of a session goes when it ends'],
    ['14.3.2', 2, 'L', 'No cache keeps what is private (`Cache-Control: no-store`)'],
  ],
  'V16 Logging and errors': [
    ['16.2.5', 2, 'L', 'Session tokens are logged hashed or masked at the most'],
    ['16.3.1', 2, 'L+A', 'Logins and what becomes of sessions are logged'],
    ['16.3.3', 2, 'L+A', 'Attempts to get by the defences are logged'],
    ['16.5.1', 2, 'L', 'Unexpected errors tell the client nothing'],
    ['16.5.2', 2, 'L', 'It stays secure when a resource fails'],
    ['16.5.3', 2, 'L', 'It fails closed: no error is an accept'],
  ],
}

/** Why no test proves a requirement. */
export const reasons = {
  '7.1.2': 'Open: the number of sessions has no limit yet. `list` tells how many a user has.',
  '7.1.3': 'The app knows its systems. Those that read the same tables need nothing: a logout is one for all of them.',
  '7.4.4': 'The app’s pages. `POST /auth/logout` is what the button calls.',
  '7.6.1': 'Open: rollcall is no identity provider, and takes no logout from one yet. The app calls `revokeAll`.',
  '7.6.2': 'A session begins where the app calls `create` or `logIn`, and nowhere else: call them in no `GET`.',
  '10.3.5': 'Open: access tokens are bearer tokens. There is no DPoP yet.',
  '10.4.14': 'Open: as 10.3.5.',
  '10.5.5': 'Open: no such token is taken yet. The app receives it, and calls `revoke` or `revokeAll`.',
  '10.6.2':
    'rollcall is no OpenID provider. Its own logout is a `POST`, and with a cookie from no other site: see 3.5.1.',
  '11.2.4':
    'No test can show it. MACs are compared by Web Crypto; the secrets of clients and refresh tokens by their SHA-256, whose comparison tells nothing by its time that could be steered.',
}

/** What the tests of a requirement leave to say. */
export const notes = {
  '3.3.1': '`cookies.insecure`, for a LAN without TLS, is without both, and warns.',
  '3.3.3':
    'The refresh cookie is sent to one path alone, and so has `__Secure-`: [what follows](../SECURITY.md#what-it-does-not-do).',
  '3.3.4': 'Scripts can read the cookie that ends with `-expiry`: three times, and no token.',
  '3.5.1': '`allowedOrigins` and `allowForms` let more in.',
  '7.1.1': 'See [lifetimes](#lifetimes).',
  '7.2.1': 'There is no code for browsers, and so none that verifies there.',
  '7.2.4':
    'By `logIn` of the HTTP adapters, of a bearer token as long as it has not expired. Who calls `create` ends the session before with `revoke`.',
  '7.4.2': 'The app calls `suspend` or `revokeAll`, in the transaction that disables or deletes the user.',
  '7.4.3': 'The app calls `revokeOthers`, in the transaction that changes the factor.',
  '7.4.5':
    'Open for all users at once, which no verb does: see [what to do instead](#log-everybody-out). The routes end the user’s own sessions; a page for administrators is the app’s.',
  '7.5.1': 'The app sets `requireRecentLogin` or `acr` on its routes that change passwords, addresses and factors.',
  '7.5.2': 'A recent login is asked for only with the option `revokeOthers`: see [why](#ending-other-sessions).',
  '7.5.3': 'The app says at the login what it was, and sets `acr` or `requireRecentLogin` on such routes.',
  '8.3.2':
    'Rights in `claims` are those of the login or the last refresh: end the sessions of whom you change, or look rights up.',
  '9.2.4': 'The app gives each of its APIs an audience of its own.',
  '10.1.1': 'The app chooses cookies, by `from` or `mode`; bearer clients are given their tokens.',
  '10.4.5':
    'Two holders who refresh within `grace` of each other [are not told apart](refresh.md#what-this-cant-catch).',
  '10.4.10': 'The app names the `clients` and their secrets.',
  '11.5.1': 'No id is a UUID; `sid` and `jti` are 128 random bits, though neither is a credential.',
  '14.3.1':
    'While the server can’t be reached, cookies that no script can touch stay: `rollcall/client` sends them with nothing more, and has them cleared when the server is back.',
  '16.2.5': 'An error’s `cause` is the database driver’s own, and may hold what drivers put there.',
  '16.3.1':
    'Logins are the app’s to log: rollcall never sees a wrong password, and writes no event of a login or a rotation.',
  '16.3.3': 'Refused tokens are errors with a `code`, which the app counts or logs; no event is written of them.',
}
