/** Bodies that have to be those that their senders have signed. */
import type { BodyCheck } from "../core/caller.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The same pieces as they are read. Breaks at its end with what `check` throws of the whole. */
export function checked(body: ReadableStream<Bytes> | null, check: BodyCheck): ReadableStream<Bytes> {
  const reader = body?.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { value, done } = await reader?.read() ?? { value: undefined, done: true };
      if (done) {
        check.end();
        return controller.close();
      }
      check.update(value);
      controller.enqueue(value);
    },
    cancel: (reason) => reader?.cancel(reason),
  }, { highWaterMark: 0 });
}
