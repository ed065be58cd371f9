/** How a module says what may be configured of it: each option with its values, its default and its help. */
import * as z from "zod";

export interface OptionMeta {
  /** What stands for the value in the help; a switch has none. */
  value?: string;
  /** Another option is named by its key in braces, as in `needs {tlsKey}`. */
  description: string;
  /** How a list is written: a flag for each value, several values after one flag, or values joined by commas. */
  list?: "repeated" | "greedy" | "commas";
  /** What the option means without a value. */
  bare?: string;
  /** The value never appears in a message. */
  secret?: true;
  /** One of the few that most people need: the help begins with it. */
  common?: true;
  /** Given twice it is refused: the last one would silently take the place of the first. */
  single?: true;
  /** As a user would write it. */
  default?: unknown;
}

type Shape = Readonly<Record<string, z.ZodType>>;
/** Values of options after parsing, with defaults. */
export type Values<S extends Shape> = z.output<z.ZodObject<S>>;

/** Some options of one module, and what they come to there. */
export interface Section<S extends Shape, T> {
  /** By the keys that users write; each schema takes text as well as what a file would naturally hold. */
  readonly shape: S;
  /** The same in the words and units of the module: `maxBodySize` becomes `maxBodyBytes`. */
  readonly settings: (values: Values<S>) => Given<T>;
}

/** What a module takes. */
export type SettingsOf<X extends { readonly settings: (values: never) => unknown }> = ReturnType<
  X["settings"]
>;

/** What has no default and is not given is left out rather than undefined. */
type Given<T> =
  & { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] }
  & { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

const registry = z.registry<OptionMeta>();

/** Options as `option` makes them, and what the module calls them; without `toSettings` by the same keys. */
export function section<const S extends Shape>(shape: S): Section<S, Values<S>>;
export function section<const S extends Shape, T extends object>(
  shape: S,
  toSettings: (values: Values<S>) => T,
): Section<S, T>;
export function section<const S extends Shape>(
  shape: S,
  toSettings: (values: Values<S>) => object = (values) => pick(values, Object.keys(shape)),
): Section<S, object> {
  return { shape, settings: (values) => given(toSettings(values)) };
}

/** One option: what it takes, and what is told of it. */
export function option<S extends z.ZodType>(
  type: S,
  meta: OptionMeta & { default: z.input<S> },
): z.ZodPrefault<S>;
export function option<S extends z.ZodType>(type: S, meta: OptionMeta): z.ZodOptional<S>;
export function option<S extends z.ZodType>(type: S, meta: OptionMeta): z.ZodType {
  const schema = meta.default === undefined ? type.optional() : type.prefault(meta.default as z.input<S>);
  return schema.register(registry, meta);
}

/** What is told of an option that `option` made. */
export function metaOf(schema: z.ZodType): OptionMeta {
  return registry.get(schema)!;
}

/** Values may be those of more sections than one. */
function pick(values: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key)));
}

function given<T extends object>(settings: T): Given<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Given<T>;
}
