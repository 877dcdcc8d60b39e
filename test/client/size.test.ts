import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const most = 4_096

test('The browser client is at most 4 KB, minified and gzipped, and contains nothing of the server', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: ['dist/src/client/index.js'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
  })
  const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  console.log(`browser client: ${size} bytes minified and gzipped, ${outputFiles[0]!.contents.length} minified`)
  expect(outputFiles[0]!.text, 'it is the client').toContain('Authorization')
  expect(Object.keys(metafile.inputs).filter((path) => !path.startsWith('dist/src/client/'))).toEqual([])
  expect(size).toBeLessThanOrEqual(most)
})
