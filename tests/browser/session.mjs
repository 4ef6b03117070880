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
  await page.goto(`${demo.base}/ops`);
  // Where there is a page across tenants, the beginning leads to it and the form is found there.
  const why = page.getByLabel("Why");
  if (await why.count() === 0) return false;
  await page.getByLabel("Tenant", { exact: true }).fill(demo.tenant);
  await why.fill("The walk through all pages");
  await page.getByRole("button", { name: "Look into it" }).click();
  await page.waitForLoadState();
  return true;
}

async function settled(page, demo) {
  await page.waitForURL((url) => url.origin === new URL(demo.base).origin && !url.pathname.startsWith("/ops/login"));
}
