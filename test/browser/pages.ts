import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'

const built = fileURLToPath(new URL('../../dist/src/client/', import.meta.url))
const script = fileURLToPath(new URL('../fixtures/browser-page.mjs', import.meta.url))

/** A page with nothing but the client as it is published. */
const blank = `<!doctype html>
<html lang="en">
<title>blank</title>
<link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "rollcall/client": "/blank/client/index.js" } }</script>
<script type="module" src="/blank/page.js"></script>
`

/** Answers `/blank.html` and what belongs to it; `false` for what is the server's own. */
export async function servePage({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (method !== 'GET' || !url.startsWith('/blank')) return false
  const [type, body] = await read(url)
  response.writeHead(body === null ? 404 : 200, { 'Content-Type': type, 'Cache-Control': 'no-cache' })
  response.end(body)
  return true
}

async function read(url: string): Promise<[type: string, body: string | null]> {
  if (url.split('?', 1)[0] === '/blank.html') return ['text/html', blank]
  const name = /^\/blank\/client\/([\w-]+\.js)$/.exec(url)?.[1]
  const path = url === '/blank/page.js' ? script : name === undefined ? null : built + name
  return ['text/javascript', path === null ? null : await readFile(path, 'utf8').catch(() => null)]
}
