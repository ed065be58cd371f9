/** What is remembered of who did what. */
import { option, section, type SettingsOf } from "../../options/section.ts";
import { nonEmpty, onOff, size, wholeNumber } from "../../options/values.ts";

export const auditOptions = section({
  auditLog: option(nonEmpty("expected a file"), {
    value: "<file>",
    description: "records there who proved to be whom, sessions, calls of tools and changes, each line " +
      "chained to the one before; while it cannot be written nobody is served",
  }),
  auditArguments: option(onOff(), {
    description: "records the arguments of calls of tools as well, without what looks like a secret",
    bare: "true",
    default: false,
  }),
  auditMaxSize: option(size(), {
    value: "<size>",
    description: "an audit log of this size is put aside and a new one begun, which the chain goes on in",
    default: "100m",
  }),
  auditKeep: option(wholeNumber({ min: 0, max: 1000 }), {
    value: "<count>",
    description: "how many such files are kept",
    default: 10,
  }),
}, ({ auditLog, auditArguments, auditMaxSize, auditKeep }) => ({
  /** Where it is written; nowhere by default. */
  file: auditLog,
  recordsArguments: auditArguments,
  /** Of one file. */
  maxBytes: auditMaxSize,
  /** Full ones. */
  keep: auditKeep,
}));

export type AuditSettings = SettingsOf<typeof auditOptions>;
