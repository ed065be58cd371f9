/** Where the gateways of a user find one another. */
import { option, section } from "../options/section.ts";
import { nonEmpty } from "../options/values.ts";

/** Of the folder with the records and tokens of running gateways. */
export const stateOptions = section({
  stateDir: option(nonEmpty("expected a folder"), {
    value: "<folder>",
    description:
      "where gateways leave pid and admin token, and where keys, users and certificates are (default: the user's state folder)",
  }),
});
