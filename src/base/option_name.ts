/** How an option is called in what its user reads: code knows its key alone. */

/** The name of an option by its key, such as `requestTimeout`. */
export type OptionNames = (key: string) => string;

/** Every option is a flag, so one that nobody has given is best called so. */
let names: OptionNames = flagName;

/** For a message: `--requestTimeout`, or whatever the user knows the option by. */
export function optionName(key: string): string {
  return names(key);
}

/** Said once, by who composes the process and knows how the options were given. */
export function nameOptions(as: OptionNames): void {
  names = as;
}

/** As on the command line. */
export function flagName(key: string): string {
  return `--${key}`;
}
