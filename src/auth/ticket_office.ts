/** `POST /auth/ticket`: where who has credentials gets a ticket for a URL. */
import type { Caller } from "../core/caller.ts";
import { RequestError } from "../core/errors.ts";
import type { Tickets } from "./tickets.ts";

export function ticketOffice(tickets: Tickets): (request: Request, caller: Caller) => Response {
  return ({ method }, caller) => {
    if (method !== "POST") {
      throw new RequestError("Method Not Allowed", { status: 405, headers: { Allow: "POST" } });
    }
    const { ticket, expiresInMs } = tickets.issue(caller);
    return Response.json({ ticket, expiresInSeconds: expiresInMs / 1000 }, {
      headers: { "Cache-Control": "no-store" },
    });
  };
}
