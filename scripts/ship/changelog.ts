// deno-lint-ignore-file no-console -- a script reports to the terminal
/**
 * Prints what has changed since the tag before, in Markdown: `changelog.ts [v1.2.3]`. Subjects of commits stand as they
 * are, each in the group of the most that it has changed: the program before what ships it, that before documents.
 */
import { ROOT } from "../run_deno.ts";
import { git } from "./git.ts";
import { exitCodeOf, ShipError } from "./ship_error.ts";

interface Commit {
  readonly subject: string;
  readonly paths: readonly string[];
}

interface Group {
  readonly title: string;
  /** The first group that has one of the paths of a commit takes it. */
  readonly has: (path: string) => boolean;
}

const isTest = (path: string) => /_test\.ts$|^tests\//.test(path);

const GROUPS: readonly Group[] = [
  { title: "The program", has: (path) => /^(?:src\/|main\.ts$)/.test(path) && !isTest(path) },
  {
    title: "Installing and releasing",
    has: (path) =>
      /^(?:npm|deploy|\.github|scripts\/ship)\/|^scripts\/(?:bundle|compile|npm)\.ts$/.test(path) &&
      !isTest(path),
  },
  { title: "Documentation", has: (path) => path.endsWith(".md") },
  { title: "Tests and tools", has: () => true },
];

/** Between control characters, which no subject has. */
const [COMMIT, FIELD] = ["\x1e", "\x1f"];
/** Tags of releases, and no others. */
const TAG = "v[0-9]*";
const PREVIEW = "v[0-9]*-*";

/** Throws ShipError for what is no revision. */
export async function changelog(revision: string, root = ROOT): Promise<string> {
  await checkRevision(revision, root);
  const before = await tagBefore(revision, root);
  const commits = await commitsOf(before === undefined ? revision : `${before}..${revision}`, root);
  return changelogText(commits, before);
}

/** Groups without a commit are left out. */
export function changelogText(commits: readonly Commit[], before: string | undefined): string {
  const first = before === undefined ? "The first release.\n" : `Changes since ${before}.\n`;
  const sections = GROUPS.flatMap(({ title }) => {
    const subjects = commits.filter((commit) => groupOf(commit) === title).map(({ subject }) =>
      `- ${subject}\n`
    );
    return subjects.length === 0 ? [] : [`\n## ${title}\n\n${subjects.join("")}`];
  });
  return first + sections.join("");
}

function groupOf({ paths }: Commit): string | undefined {
  return GROUPS.find(({ has }) => paths.some(has))?.title ?? GROUPS.at(-1)?.title;
}

async function checkRevision(revision: string, root: string): Promise<void> {
  const found = await git(["rev-parse", "--verify", "--quiet", `${revision}^{commit}`], root).catch(
    ignoreShipError,
  );
  if (found !== undefined) return;
  throw new ShipError(
    `Unknown revision "${revision}": expected a tag, a branch or a commit of this repository`,
  );
}

/** Undefined for the first one. What is no preview has all that its previews had. */
async function tagBefore(revision: string, root: string): Promise<string | undefined> {
  const others = revision.includes("-") ? [] : ["--exclude", PREVIEW];
  const args = ["describe", "--tags", "--abbrev=0", "--match", TAG, ...others, `${revision}^`];
  return await git(args, root).catch(ignoreShipError);
}

function ignoreShipError(error: unknown): undefined {
  if (!(error instanceof ShipError)) throw error;
}

/** The newest first; merges say nothing that what they bring does not. */
async function commitsOf(range: string, root: string): Promise<Commit[]> {
  const format = `--format=${COMMIT}%s${FIELD}`;
  const log = await git(["log", "--no-merges", "--name-only", format, range], root);
  return log.split(COMMIT).slice(1).map((text) => {
    const [subject = "", paths = ""] = text.split(FIELD);
    return { subject, paths: paths.split("\n").filter((path) => path !== "") };
  });
}

/** Returns the exit code. */
export function main([revision = "HEAD"]: readonly string[]): Promise<number> {
  return exitCodeOf(async () => console.log((await changelog(revision)).trimEnd()));
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
