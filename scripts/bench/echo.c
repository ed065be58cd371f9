/*
 * The MCP server behind every gateway of the benchmark: one line in, one line out, nothing stored.
 *
 * The tool `echo` takes { text, fill?, progress? }: it sends `progress` notifications, and answers with the text
 * and `fill` characters more.
 */
#include <unistd.h>

#include "text.h"

static Buffer output;

static void put_bytes(const char *bytes, size_t length) { append(&output, bytes, length); }

static void put(const char *text) { put_bytes(text, strlen(text)); }

static void put_span(Span span) { put_bytes(span.start, (size_t)(span.end - span.start)); }

static void put_fill(size_t count) {
  reserve(&output, count);
  memset(output.bytes + output.length, 'x', count);
  output.length += count;
}

static void put_number(long value) {
  char digits[24];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  put_bytes(digits + at, sizeof digits - at);
}

static void flush(void) {
  for (size_t sent = 0; sent < output.length;) {
    ssize_t count = write(STDOUT_FILENO, output.bytes + sent, output.length - sent);
    if (count < 0) exit(1);
    sent += (size_t)count;
  }
  output.length = 0;
}

static size_t count_of(Span span) {
  size_t value = 0;
  for (const char *at = span.start; at < span.end && *at >= '0' && *at <= '9'; at++) {
    value = value * 10 + (size_t)(*at - '0');
  }
  return value;
}

static void notify_progress(Span token, long step, long total) {
  put("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":");
  put_span(token);
  put(",\"progress\":");
  put_number(step);
  put(",\"total\":");
  put_number(total);
  put("}}\n");
}

static void start_answer(Span id) {
  put("{\"jsonrpc\":\"2.0\",\"id\":");
  put_span(id);
}

static void call_echo(Span id, Span params) {
  Span arguments = member(params, "arguments"), text = member(arguments, "text");
  Span token = member(member(params, "_meta"), "progressToken");
  long total = (long)count_of(member(arguments, "progress"));
  if (token.start == token.end) total = 0;
  for (long step = 1; step <= total; step++) notify_progress(token, step, total);
  start_answer(id);
  put(",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"");
  /* Without its quotes, so that the fill lands inside. */
  if (text.end - text.start >= 2) put_span((Span){text.start + 1, text.end - 1});
  put_fill(count_of(member(arguments, "fill")));
  put("\"}]}}\n");
}

static void initialize(Span id, Span params) {
  start_answer(id);
  put(",\"result\":{\"protocolVersion\":");
  put_span(member(params, "protocolVersion"));
  put(",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echo\",\"version\":\"1.0.0\"}}}\n");
}

static void answer(Span line) {
  Span id = member(line, "id"), method = member(line, "method"), params = member(line, "params");
  if (id.start == id.end || method.start == method.end) return;
  if (is(method, "\"tools/call\"")) {
    call_echo(id, params);
  } else if (is(method, "\"initialize\"")) {
    initialize(id, params);
  } else if (is(method, "\"tools/list\"")) {
    start_answer(id);
    put(",\"result\":{\"tools\":[{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}}]}}\n");
  } else if (is(method, "\"ping\"")) {
    start_answer(id);
    put(",\"result\":{}}\n");
  } else {
    start_answer(id);
    put(",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n");
  }
}

int main(void) {
  Buffer input = {0};
  size_t searched = 0;
  for (;;) {
    reserve(&input, 65536);
    ssize_t count = read(STDIN_FILENO, input.bytes + input.length, input.room - input.length);
    if (count <= 0) return 0;
    input.length += (size_t)count;
    char *start = input.bytes, *end = input.bytes + input.length, *newline;
    for (char *from = start + searched; (newline = memchr(from, '\n', (size_t)(end - from))); from = start) {
      answer((Span){start, newline});
      start = newline + 1;
    }
    flush();
    input.length = (size_t)(end - start);
    memmove(input.bytes, start, input.length);
    searched = input.length;
  }
}
