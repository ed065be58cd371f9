// Finds the Deno executable among npm's packages. The install script of the package `deno` would put one at hand, but
// npm runs it only where somebody allows it.
"use strict";

const { existsSync } = require("node:fs");
const { dirname, join } = require("node:path");
const process = require("node:process");

/** Those that `deno` depends on, each for its own system. */
const PACKAGES = {
  "darwin arm64": "@deno/darwin-arm64",
  "darwin x64": "@deno/darwin-x64",
  "linux arm64": "@deno/linux-arm64-glibc",
  "linux x64": "@deno/linux-x64-glibc",
  "win32 arm64": "@deno/win32-arm64",
  "win32 x64": "@deno/win32-x64",
};

const MUSL =
  "this system has musl in place of glibc, as Alpine does, and there is no Deno for it on npm; use one with glibc, " +
  "such as the image node:22-slim in place of node:22-alpine";

/** The program cannot be started; the message says why in one line. */
class LaunchError extends Error {}

/**
 * Throws LaunchError where the system has none.
 * @param {{ platform: string, arch: string }} system
 */
function denoExecutable({ platform, arch } = process) {
  const name = PACKAGES[`${platform} ${arch}`];
  if (name === undefined) {
    throw new LaunchError(
      `there is no Deno for ${platform} on ${arch}, only for ${Object.keys(PACKAGES).join(", ")}`,
    );
  }
  const folder = folderOf(name, folderOf("deno", __dirname));
  if (folder !== undefined) return join(folder, platform === "win32" ? "deno.exe" : "deno");
  throw new LaunchError(hasMusl(platform) ? MUSL : missing(name));
}

/** Of a package as the files in `from` see it; undefined where it is not installed. */
function folderOf(name, from) {
  if (from === undefined) return undefined;
  try {
    return dirname(require.resolve(`${name}/package.json`, { paths: [from] }));
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return undefined;
  }
}

function missing(name) {
  const found = `npm's package ${name}, which has the Deno executable, is not installed`;
  const [npxFolder] = /^.*[\\/]_npx[\\/][^\\/]+/.exec(__dirname) ?? [];
  return npxFolder === undefined
    ? `${found}; install keystone-mcp again with --include=optional, on the system that it is to run on`
    : `${found}; remove ${npxFolder}, where npx keeps what it has, and start again with --include=optional`;
}

/** Node's report says which glibc runs it. */
function hasMusl(platform) {
  return platform === "linux" && process.report.getReport().header.glibcVersionRuntime === undefined;
}

/** Why an executable that we have found cannot be started. */
function reasonNotStarted(executable, error) {
  // It is the loader of glibc that is not there.
  if (error.code === "ENOENT" && existsSync(executable)) {
    return hasMusl(process.platform) ? MUSL : `${executable} is not made for this system`;
  }
  return `cannot start ${executable}: ${error.message}; install keystone-mcp again`;
}

module.exports = { denoExecutable, LaunchError, PACKAGES, reasonNotStarted };
