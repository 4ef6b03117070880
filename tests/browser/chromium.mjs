// The browser that is on this machine, and the two sizes and two colour schemes in which pages are looked at.

import { chromium } from "playwright-core";

export const LOOKS = [
  { name: "desktop-light", viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { name: "desktop-dark", viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  { name: "phone-light", viewport: { width: 390, height: 844 }, colorScheme: "light", hasTouch: true, isMobile: true },
  { name: "phone-dark", viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true },
];

export function open() {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  const args = ["--disable-dev-shm-usage"];
  // Chromium shuts itself in by means that root does not have.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath, args });
}
