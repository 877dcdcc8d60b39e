import type { Page } from 'playwright-core'

/**
 * Stops the page's script where it is, as a browser that freezes a tab and a machine that sleeps do: its timers and promises
 * stand still, its locks and connections stay. Resolves to what lets it go on.
 */
export async function pauseScript(page: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Debugger.enable')
  const paused = new Promise((resolve) => session.once('Debugger.paused', resolve))
  await session.send('Debugger.pause')
  // Something has to run to be stopped.
  void page.evaluate(() => 0).catch(() => {})
  await paused
  return async () => {
    await session.send('Debugger.resume')
    await session.send('Debugger.disable')
    await session.detach()
  }
}
