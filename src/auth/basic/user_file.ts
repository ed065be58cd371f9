/** The file with the users: names, scopes, and of each password what scrypt makes of it. */
import * as z from "zod";
import { SCOPE } from "../authenticator.ts";
import { RECORD_NAME, recordFile } from "../record_file.ts";
import { isHash } from "./password_hash.ts";

const entry = z.strictObject({
  name: z.string().regex(RECORD_NAME),
  hash: z.string().refine(isHash, { error: "it is no hash of a password" }),
  scopes: z.array(z.string().regex(SCOPE)).max(100),
  createdAt: z.iso.datetime(),
});

export type UserEntry = z.output<typeof entry>;

export const userFile = recordFile("users", entry);
