// Writes docs/errors.md from the code table, docs/performance.md from the results of the benchmarks and docs/security.md
// from the titles of the tests. With --check it only tells, by its exit code, whether the pages are up to date.
import { readFile, writeFile } from 'node:fs/promises'
import { codes } from '../dist/src/errors.js'
import { securityPage } from './security-page.mjs'

const clients = {
  'log in': 'logs in again',
  refresh: 'refreshes, and sends the request again; logs in again where that does not help',
  'step up': 'keeps its tokens, and has the user log in once more, newer or stronger',
  retry: 'keeps its token and tries again a little later',
  caller: 'can do nothing: the program that called must act',
}

/** What the table can't know: what happened, and what to do about it. Codes without one stop the build. */
const advice = {
  token_malformed:
    'What was shown is not a JWT of at most 8,192 characters in canonical base64url, with JSON objects in it. No query was made. The likeliest cause is a refresh token where an access token belongs. Else look for a client that sends another token, a cut one, or one with quotes around it.',
  token_invalid:
    'The form is right, but the signature, `typ`, `kid`, `iss`, `aud` or another claim is not. For all but an audience that the session was not made for, no query was made. When all clients get it at once, some process runs with other keys, another `issuer` or another `audience` than the one that issued the token: see [key rotation](quick-start.md#change-the-signing-key). A client that has a refresh token tries a refresh first: a signing key that was taken out ends access tokens, not sessions.',
  token_expired:
    'The access token is over, or a refresh replaced it more than `grace` ago; the session itself may stand. The client [refreshes](refresh.md#what-a-client-must-do), or logs in if it has no refresh token. Where no refresh tokens are configured, it is `session_expired` instead. When it comes right after each refresh, compare the clocks of your machines.',
  session_ended:
    'The session was revoked, is unknown, or belongs to an older `tokenVersion`: the rows tell no more. Why a user was logged out is in the events table: see ["Why was this user logged out?"](databases.md#why-was-this-user-logged-out). When many users get it at once, the process reads another database or a replica, or the database was set back by a restore.',
  session_expired:
    'The session reached its lifetime, or its idle lifetime without being used. Nothing to do. When it comes too early, compare the clocks of your machines, then `session.lifetime` and `session.idleLifetime`.',
  user_suspended:
    '`suspend` is in force for this user. Both `verify` and `create` refuse with it. `reinstate` ends it; sessions that have not expired meanwhile stand again.',
  refresh_token_invalid:
    'What was shown is no refresh token of this `issuer`: cut, altered, an access token, or without a genuine MAC. No query was made, and no session ended. (A text that names this issuer and a secret that is not here is `key_unavailable` instead.)',
  refresh_token_reused:
    "A spent refresh token was shown again. Its session has ended, or with `onReuse: 'revokeAll'` all of the user; whoever shows a token of it from now on gets `session_ended`. The kind is told by `on('reused')` and stands in the events table: see [what to do then](refresh.md#what-you-hear).",
  store_behind:
    "The database has lost what it had acknowledged: in a failover, a restore, or by reading what is no primary. `refresh` gives it for a refresh token that is newer than the session's row, and `verify` for a user whose `tokenVersion` is lower than this process has seen (see [freshness](freshness.md#when-the-store-is-in-trouble)). Nothing ended. Bring the lost state back; a client logs out with its token after a number of tries, and then logs in: see [what this can't catch](refresh.md#what-this-cant-catch), and [durability](databases.md#durability) for how not to lose it.",
  key_unavailable:
    'The refresh token names a secret that this process does not have: one that was added here too late or taken out too soon, or a process without `refreshToken` was given it to revoke. It is refused before any query, so it stays so for good, whatever becomes of the sessions: put the secret back, and take it out when the sessions of its time are over (see [change the secret](refresh.md#change-the-secret)). Anybody can make a text that names an unknown secret, so let no count of such answers take a node out of service.',
  store_unavailable:
    "The database did not answer within `storeTimeout`, refused, or kept conflicting after five tries; `cause` has the driver's own error, or says what took too long. It is never a logout: the client keeps its token. Whether a write that failed this way was done is not known: repeat the revoke (a repeated `revokeAll` also ends what began in between); after a failed `create` there may be a session whose token nobody holds. Look at the database, the pool's size, and for a transaction that calls a verb without passing itself: see [pools](databases.md#pools).",
  token_version_moved:
    "Between `tokenVersion` and `create` the user's other devices, or all, were logged out, so the password that was checked may be the old one. Check the credentials again, from the start, and log in with the version read then.",
  transaction_conflict:
    "Your transaction lost against another (deadlock, serialization failure, lock timeout); the driver's error is in `cause`. Roll back and run the whole transaction again. It comes only from verbs that were given a `transaction`; elsewhere the library tries again by itself.",
  store_not_migrated:
    "A table or column is missing, or the schema is. Run `migrate(knex)` with the same `prefix` and `schema` as the store: see [migrations](databases.md#migrations). The driver's error, which names the table, is in `cause`.",
  insufficient_user_authentication:
    'The session stands, but a route asked for a login that is more recent (`requireRecentLogin`) or of another class (`acr`) than this one: the challenge says which, as `max_age` in seconds and `acr_values` (RFC 9470). A refresh does not help: it is no login. The client has the user log in again, or prove more, and keeps its tokens until then.',
  internal:
    'An error that is none of this library, or a mistake in calling it. The answer tells nothing of it; it went to `report`, with its stack.',
  token_missing:
    'The request has no token, or none where this app takes it from (`from`): the header, the cookie, or either. A browser that logged in by cookie over plain HTTP, elsewhere than on localhost, has dropped the cookies. The challenge has no error then (RFC 6750, section 3.1).',
  invalid_request:
    'Two `Authorization` headers or a malformed one, two cookies of one name, a body that is no JSON object or lacks a member, a page of the list that is none, a `mode` of a login that this app has not.',
  invalid_client:
    'Introspection and revocation are for the services of the option `clients`: the id or the secret is missing or wrong. Its challenge is `Basic`.',
  cross_site_request:
    'A request with cookies, other than `GET`, that may come from another site: see [other sites](cookies.md#other-sites). A login that asks for cookies counts as one. Your own pages get it when they lack the header `X-Requested-With` or JSON, are on an origin that `allowedOrigins` does not name, or when a proxy changes `Host`; curl and tests, when they send neither `Origin` nor `Sec-Fetch-Site`.',
  not_found:
    "No such route below `basePath`, or one whose option is not set (`clients`, `keys`, refresh tokens); or no session of this user has that `sid`, which is the same answer for somebody else's.",
  method_not_allowed: 'The route has other methods: `Allow` names them.',
  request_too_large: 'A body of more than 16 KB. The session routes have no use for such.',
  unsupported_media_type:
    'The session routes take JSON, with `Content-Type: application/json`; those of OAuth a form, with `application/x-www-form-urlencoded`.',
}

function section(code) {
  const { status, bearerError, client, message } = codes[code]
  if (!Object.hasOwn(advice, code)) throw new Error(`tools/generate-docs.mjs says nothing about ${code}`)
  return `### ${code}

> ${message}

HTTP ${status}${bearerError === null ? '' : `, \`WWW-Authenticate: Bearer error="${bearerError}"\``}. The client ${clients[client]}.

${advice[code]}
`
}

function row(code) {
  const { status, bearerError, client } = codes[code]
  return `| [\`${code}\`](#${code}) | ${status} | ${bearerError === null ? '' : `\`${bearerError}\``} | ${clients[client]} |`
}

const errors = `<!-- Generated by \`npm run docs\` from src/errors.ts and tools/generate-docs.mjs. Changes made here are lost. -->

# Errors

Every refusal and every fault is a \`RollcallError\` with a \`code\`, the HTTP \`status\` of the table below, and, for
faults of the database, the driver's error as \`cause\`. The codes are the contract; messages may change, and never hold
a token, a \`jti\` or a claim. \`isRollcallError(error)\` tells them from other errors, and \`codes[error.code]\` gives the
row of the table (a \`CodeEntry\`: \`status\`, \`bearerError\`, \`client\`, \`message\`).

A mistake of the calling program (a wrong type, an unknown option, a user id that is too long) is a plain \`TypeError\`,
thrown before anything is written.

Two rules stand behind the table. Trouble with the store is **503, never 401 and never an accept**: an outage logs nobody
out and lets nobody in. And a 401 about a token means that this token is of no use any more, so the client may drop it; one that wants a token, a client's secret or a newer login says nothing of it.

| code | HTTP | RFC 6750 error | the client |
| --- | --- | --- | --- |
${Object.keys(codes).map(row).join('\n')}

${Object.keys(codes).map(section).join('\n').trimEnd()}
`

/** The chapter of a topic around what its benchmark's last whole run left; nothing for one that had none yet. */
async function chapter(title, topic, text) {
  const results = await readFile(new URL(`../bench/results/${topic}.md`, import.meta.url), 'utf8').catch(() => null)
  return results === null ? '' : `\n## ${title}\n\n${text}\n\n${results}`
}

const introduction = `<!-- Generated by \`npm run docs\` from bench/results and tools/generate-docs.mjs. Changes made here are lost. -->

# Performance

Every figure here was printed by the command under its table, with the variants taking turns on one machine. What counts
are the ratios: machines differ, and shared ones from minute to minute. A ratio is the median of the rounds' ratios, not
that of the two medians beside it. Where the quartiles of a ratio lie on both sides of 1,
no difference is shown, and the table says so.
`

const chapters = [
  await chapter(
    'The lookup',
    'lookup',
    `What \`verify\` asks the database, before caches of any kind. It stays near the driver's own prepared statement and ahead of
Knex's query builder, since it runs on connections of your Knex pool but goes past the builder. The last columns say by how
much.`,
  ),
  await chapter(
    'The warm verify',
    'verify',
    `Where \`freshness.maxStaleness\` is above 0, a token and a session that this process knows cost two look-ups in its memory and
no query. The price is the bound: a logout on another node bites within that time, and one on this node at once.`,
  ),
  await chapter(
    'The strict verify',
    'strict',
    `Where \`maxStaleness\` is 0, the default, every \`verify\` asks the database, and a logout bites at once everywhere. Callers that ask at the same time share
one query, and a signature is checked only the first time that a token is shown. A Redis allowlist is about as fast
with many callers, and much faster with one; and one caller alone gains nothing from sharing, so that on Postgres a prepared
statement behind @fastify/jwt or a session cookie is faster, too.`,
  ),
  await chapter(
    'Over HTTP',
    'http',
    `The same checks as part of a server that answers requests, beside a route that checks nothing. Most of a request is HTTP, so the
differences are smaller than those above.`,
  ),
  await chapter(
    'The guard',
    'guard',
    `What \`auth.guard()\` costs a route on each framework, beside the route alone and beside a middleware that does nothing. Here the
time of a core tells more than the requests per second, which scatter with whatever else the machine does. A strict guard
costs more, since a query goes with it, which other requests of the moment share.`,
  ),
  await chapter(
    'With more sessions',
    'growth',
    `First the strict \`verify\` in tables of three sizes. Then the memory that kept sessions take, what the verbs write and how long
they take where a user has many sessions, and how much \`prune\` disturbs. SQLite works inside your process, so each batch of
a \`prune\` holds up what comes meanwhile: give it a smaller \`batchSize\` where that matters.`,
  ),
  await chapter(
    'The refresh',
    'refresh',
    `First the counts: of many callers that show one refresh token at the same moment, in one process and in four, exactly one
rotates the session, and all get the same pair. Then the speed. A rotation is one read and one conditional write, each of
them a statement that commits by itself. Beyond those it checks the MAC of the old token, derives, hashes and seals the next
one, and signs an access token; the driver does none of that.`,
  ),
  await chapter(
    'Propagation',
    'propagation',
    `Where processes keep sessions, a revoke in one bites in another when that one hears of it: at once with a bus, and within
\`pollInterval\` without. The times are of processes that share the cores of one machine with the servers, and grow with whatever else
runs there.`,
  ),
  await chapter(
    'What it costs to be heard',
    'notify',
    `Every revoke writes its event, with or without an outbox. What a bus adds is a message after the commit, which many callers share, and
the looks that it wakes. The last rows are the other way, a NOTIFY in the transaction of the change: it makes the commits of all wait for each
other.`,
  ),
  await chapter(
    'Open connections',
    'live',
    `What event streams take that are open and say nothing, and how soon one of many is told that its session has ended.`,
  ),
]

const pages = {
  'errors.md': errors,
  'performance.md': introduction + chapters.join(''),
  'security.md': await securityPage(new URL('../test/', import.meta.url)),
}
for (const [name, text] of Object.entries(pages)) {
  const page = new URL(`../docs/${name}`, import.meta.url)
  if (!process.argv.includes('--check')) {
    await writeFile(page, text)
  } else if ((await readFile(page, 'utf8').catch(() => '')) !== text) {
    console.error(`docs/${name} is out of date: npm run docs`)
    process.exitCode = 1
  }
}
