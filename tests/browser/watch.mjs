// Hears what goes wrong in a page: errors in the console, breaches of its policy, requests that fail.

/** Begins to listen; `take()` answers what was heard since. */
export async function watch(page) {
  let heard = [];
  await page.exposeFunction("walkHeardBreach", (what) => { heard.push(`against the page's policy: ${what}`); });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.walkHeardBreach(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ""}:${event.lineNumber}`);
    });
  });
  page.on("console", (message) => {
    // What could not be loaded is heard of below, with its status.
    if (message.type() !== "error" || message.text().startsWith("Failed to load resource")) return;
    // Nor is it an error that a page was left before its socket was open.
    if (message.text().includes("WebSocket is closed before the connection is established")) return;
    const { url, lineNumber } = message.location();
    heard.push(`in the console: ${message.text()} (${url}:${lineNumber})`);
  });
  page.on("pageerror", (error) => heard.push(`a script failed: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    // What is still under way when a page is left is given up; that is no failure.
    if (why !== "net::ERR_ABORTED") heard.push(`a request failed: ${request.method()} ${request.url()} ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) heard.push(`${response.status()} for ${response.request().method()} ${response.url()}`);
  });
  return { take() { const all = heard; heard = []; return all; } };
}
