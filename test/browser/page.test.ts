import { expect, test } from 'vitest'
import { openBrowserStage, report, seconds, shoot } from './browser-stage.js'
import { confirm, deviceIn, findViolations, openDevice, openPage, signIn, timeUntil } from './demo-page.js'

const stage = openBrowserStage()

test('The page loads from its own origin alone, in less than 60 KB, and without an error', async () => {
  const site = await stage.openSite()
  const page = await (await stage.openDevice()).newPage()
  const requests: string[] = []
  const errors: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', ({ message }) => errors.push(message))
  const sizes: Promise<number>[] = []
  page.on('requestfinished', (request) => {
    sizes.push(
      request.sizes().then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize),
    )
  })
  const from = Date.now()
  await page.goto(site.url)
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  const took = Date.now() - from
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  report(`the demo's page: ${requests.length} requests, ${bytes} bytes, logged-out view after ${seconds(took)}`)
  expect(requests.filter((url) => !url.startsWith(`${site.url}/`) && !url.startsWith('data:'))).toEqual([])
  expect(bytes).toBeLessThan(60 * 1_024)
  expect(errors).toEqual([])
})

test('A wrong password is told, and a right one shows the devices, this one first', async () => {
  const site = await stage.openSite()
  const page = await openPage(stage, site)
  await shoot(page, 'sign-in')
  await page.getByLabel('Username').fill('alice')
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('alert').filter({ hasText: 'The username or the password is wrong.' }).waitFor()
  await shoot(page, 'sign-in-refused')
  await signIn(page, 'Work laptop')
  await page.getByText('This is your only device.').waitFor()
  await openDevice(stage, site, 'Phone')
  await deviceIn(page, 'Phone').waitFor()
  expect(await page.getByRole('heading', { level: 3 }).first().textContent()).toMatch(/Work laptop.*This device/)
  // Who opens the page again is still logged in.
  await page.reload()
  await deviceIn(page, 'Work laptop').waitFor()
})

test('A device that another one logs out, after a question, shows within a second why', async () => {
  const site = await stage.openSite()
  const laptop = await openDevice(stage, site, 'Laptop')
  const phone = await openDevice(stage, site, 'Phone')
  const tablet = await openDevice(stage, site, 'Tablet')
  await deviceIn(laptop, 'Tablet').waitFor()
  await shoot(laptop, 'three-devices')
  await laptop.getByRole('button', { name: 'Log out Phone' }).click()
  await laptop.getByRole('dialog').waitFor()
  await shoot(laptop, 'question')
  await confirm(laptop, 'Cancel')
  expect(await site.sessionsOf('alice')).toBe(3)
  await laptop.getByRole('button', { name: 'Log out Phone' }).click()
  const [took] = await Promise.all([timeUntil(phone, /logged this device out/), confirm(laptop, 'Log out')])
  report(`the demo's page: a device logged out by another shows why after ${took} ms`)
  expect(took).toBeLessThan(1_000)
  await phone.getByText('“Laptop” logged this device out.').waitFor()
  await phone.getByRole('heading', { name: 'Log in' }).waitFor()
  await shoot(phone, 'logged-out-by-another')
  for (const page of [laptop, tablet]) await deviceIn(page, 'Phone').waitFor({ state: 'detached' })
  await shoot(laptop, 'after-logout')
  expect(await phone.getByText('Laptop', { exact: true }).count()).toBe(0)
})

test('The others, and then everybody, are logged out, and each page says by whom', async () => {
  const site = await stage.openSite()
  const laptop = await openDevice(stage, site, 'Laptop')
  const phone = await openDevice(stage, site, 'Phone')
  const tablet = await openDevice(stage, site, 'Tablet')
  await laptop.getByRole('button', { name: 'Log out other devices' }).click()
  const told = Promise.all([phone, tablet].map((page) => timeUntil(page, /logged out all other devices/)))
  await confirm(laptop, 'Log out others')
  report(`the demo's page: two others logged out show why after ${(await told).join(' and ')} ms`)
  expect(Math.max(...(await told))).toBeLessThan(1_000)
  await laptop.getByText('2 other devices are logged out.').waitFor()
  await signIn(phone, 'Phone again')
  await deviceIn(laptop, 'Phone again').waitFor()
  await laptop.getByRole('button', { name: 'Log out everywhere' }).click()
  await confirm(laptop, 'Log out everywhere')
  await laptop.getByText('You logged out everywhere').waitFor()
  await phone.getByText('You were logged out everywhere').waitFor()
  await shoot(laptop, 'logged-out-everywhere')
  expect(await site.sessionsOf('alice')).toBe(0)
})

test('Who is about to be logged out is warned, and stays by one press', async () => {
  const site = await stage.openSite({ idleLifetime: '32s', lifetime: '1h' })
  const page = await openDevice(stage, site, 'Laptop')
  const stay = page.getByRole('button', { name: 'Stay logged in' })
  await stay.waitFor()
  await page.getByRole('alert').filter({ hasText: 'You are about to be logged out' }).waitFor()
  expect(await page.locator('#warning-left').textContent()).toMatch(/^0:(2\d|30)$/)
  await shoot(page, 'warning')
  expect(await findViolations(page)).toEqual([])
  await stay.click()
  await page.getByText('You stay logged in.').waitFor()
  await stay.waitFor({ state: 'hidden' })
})

test('A session that nobody uses ends while its page lies open, and the page says so', async () => {
  const site = await stage.openSite({ idleLifetime: '4s', lifetime: '1h' })
  const page = await openDevice(stage, site, 'Laptop')
  const took = await timeUntil(page, 'Your session has expired')
  report(`the demo's page: a session of 4 s without use is told to have expired after ${seconds(took)}`)
  await page.getByText('It was not used for 4 seconds').waitFor()
  await shoot(page, 'expired')
})

test('An outage is told, logs nobody out, and is over when it is over', async () => {
  const site = await stage.openSite()
  const page = await openDevice(stage, site, 'Laptop')
  site.storeIsDown = true
  await page.getByRole('button', { name: 'Rename Laptop' }).click()
  await page.getByLabel('New name').fill('Renamed')
  await page.keyboard.press('Enter')
  await page.getByText("We can't reach the session store just now").waitFor()
  await shoot(page, 'outage')
  site.storeIsDown = false
  await page.keyboard.press('Enter')
  await deviceIn(page, 'Renamed').waitFor()
})
