// Coming in as people do: by the form.

/** Logs a user in. */
export async function login(page, demo) {
  await page.goto(`${demo.base}/ops/login`);
  await page.getByLabel("Tenant").fill(demo.tenant);
  await page.getByLabel("E-mail").fill(demo.email);
  await page.getByLabel("Password").fill(demo.password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await settled(page, demo);
}

/** Logs an operator of the installation in, and has them look into the tenant. */
export async function operate(page, demo) {
  await page.goto(`${demo.base}/ops/login`);
  await page.getByText("You run this installation").click();
  await page.getByLabel("Operator's key").fill(demo.operatorKey);
  await page.getByRole("button", { name: "Log in as an operator" }).click();
  await settled(page, demo);
  const paths = await page.locator("nav.side a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  for (const path of ["/ops", ...paths]) {
    await page.goto(demo.base + path);
    const form = page.locator('form[action="/ops/look"]:has([name="why"])').first();
    if (await form.count() === 0) continue;
    const tenant = form.locator('[name="tenant"]');
    if (await tenant.isVisible()) await tenant.fill(demo.tenant);
    await form.locator('[name="why"]').fill("The walk through all pages");
    await form.locator("button").first().click();
    await page.locator("main .notice[role=status]").waitFor();
    return;
  }
  throw new Error("an operator finds no form to look into a tenant");
}

async function settled(page, demo) {
  await page.waitForURL((url) => url.origin === new URL(demo.base).origin && !url.pathname.startsWith("/ops/login"));
}
