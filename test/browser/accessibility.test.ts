import type { Locator } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { openBrowserStage, report, shoot } from './browser-stage.js'
import { confirm, deviceIn, findViolations, openDevice, openPage, signIn } from './demo-page.js'

const stage = openBrowserStage()

test('The tests of accessibility find what is wrong: a field without a label, and text that is too pale', async () => {
  const site = await stage.openSite()
  const page = await openPage(stage, site)
  await page.evaluate(() => {
    document.querySelector('label[for=username]')!.remove()
    document.querySelector('h2')!.style.color = '#bbb'
  })
  const found = (await findViolations(page)).map((violation) => violation.split(':', 1)[0])
  expect(found).toEqual(expect.arrayContaining(['label', 'color-contrast']))
})

test('The keyboard alone signs in, renames, logs another device out, and logs out', async () => {
  const site = await stage.openSite()
  const other = await openDevice(stage, site, 'Phone')
  const page = await openPage(stage, site)
  const { keyboard } = page
  /** Presses Tab until this has the focus. */
  async function tabTo(target: Locator): Promise<void> {
    for (let presses = 0; presses < 40; presses += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) return
      await keyboard.press('Tab')
    }
    throw new Error(`Tab does not lead to ${target.toString()}`)
  }
  await tabTo(page.getByLabel('Username'))
  await keyboard.type('alice')
  await keyboard.press('Tab')
  await keyboard.type('wonderland')
  await keyboard.press('Tab')
  await keyboard.type('Laptop')
  await keyboard.press('Enter')
  await deviceIn(page, 'Phone').waitFor()
  // It goes on where it was: at the title of what is new.
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('account-title')
  await tabTo(page.getByRole('button', { name: 'Rename Laptop' }))
  await shoot(page, 'keyboard-focus')
  await keyboard.press('Enter')
  await keyboard.type('Desk')
  await keyboard.press('Enter')
  await deviceIn(page, 'Desk').waitFor()
  await tabTo(page.getByRole('button', { name: 'Log out Phone' }))
  await keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  // The safe choice has the focus, and Escape is it, too.
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel')
  await keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  expect(await page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Log out Phone')
  // It does one thing at a time, and hears of the answer a moment after the dialog is gone.
  await expect.poll(() => page.getByRole('button', { name: 'Log out Phone' }).getAttribute('aria-disabled')).toBeNull()
  await keyboard.press('Enter')
  await tabTo(page.getByRole('dialog').getByRole('button', { name: 'Log out', exact: true }))
  await keyboard.press('Enter')
  await other.getByText('You were logged out').first().waitFor()
  await deviceIn(page, 'Phone').waitFor({ state: 'detached' })
  // The button that had the focus is gone.
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('devices-title')
  await tabTo(page.locator('#log-out'))
  await keyboard.press('Enter')
  await page.getByText('You are logged out').waitFor()
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('notice')
})

describe.each(['light', 'dark'] as const)('The page in a %s colour scheme', (colorScheme) => {
  test('has no violation that axe finds, logged out, refused, logged in, asked, and logged out', async () => {
    const site = await stage.openSite()
    const page = await openPage(stage, site, { colorScheme })
    const found: Record<string, string[]> = { 'logged out': await findViolations(page) }
    await page.getByLabel('Username').fill('alice')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByText('The username or the password is wrong.').waitFor()
    found['refused'] = await findViolations(page)
    await signIn(page, 'Laptop')
    const phone = await openDevice(stage, site, 'Phone')
    await deviceIn(page, 'Phone').waitFor()
    await page.getByText('Under the hood').click()
    found['logged in'] = await findViolations(page)
    await shoot(page, `account-${colorScheme}`)
    await page.getByRole('button', { name: 'Log out Phone' }).click()
    found['asked'] = await findViolations(page)
    await shoot(page, `question-${colorScheme}`)
    await confirm(page, 'Cancel')
    await phone.getByRole('button', { name: 'Log out Laptop' }).click()
    await confirm(phone, 'Log out')
    await page.getByText('You were logged out').waitFor()
    found['logged out'] = await findViolations(page)
    await shoot(page, `logged-out-${colorScheme}`)
    report(
      `axe, ${colorScheme}: ${Object.values(found).flat().length} violations in ${Object.keys(found).length} states`,
    )
    expect(Object.entries(found).filter(([, violations]) => violations.length > 0)).toEqual([])
  })
})

test.each([320, 375])('A phone %i pixels wide shows all of the page without scrolling sideways', async (width) => {
  const site = await stage.openSite()
  const page = await openPage(stage, site, { viewport: { width, height: 700 }, hasTouch: true, isMobile: true })
  const overflow = (): Promise<number> =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(await overflow()).toBe(0)
  await shoot(page, `phone-${width}-sign-in`)
  await signIn(page, 'A phone with a name that somebody typed without a thought of how long it would get')
  await page.getByText('Under the hood').click()
  expect(await overflow()).toBe(0)
  await shoot(page, `phone-${width}-account`)
  await page.getByRole('button', { name: 'Log out everywhere' }).click()
  expect(await overflow()).toBe(0)
  await shoot(page, `phone-${width}-question`)
})
