/* Texts and their members, for the programs of the benchmark that are written in C: nothing is copied or decoded. */
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *start;
  const char *end;
} Span;

typedef struct {
  char *bytes;
  size_t length;
  size_t room;
} Buffer;

static inline void reserve(Buffer *buffer, size_t more) {
  if (buffer->length + more <= buffer->room) return;
  buffer->room = (buffer->length + more) * 2;
  buffer->bytes = realloc(buffer->bytes, buffer->room);
  if (!buffer->bytes) exit(1);
}

static inline void append(Buffer *buffer, const char *bytes, size_t length) {
  reserve(buffer, length);
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
}

/* Takes away what has been used of the beginning. */
static inline void consume(Buffer *buffer, size_t length) {
  buffer->length -= length;
  memmove(buffer->bytes, buffer->bytes + length, buffer->length);
}

static inline const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
  return at;
}

/* `at` is behind the opening quote; returns the place behind the closing one. */
static inline const char *skip_string(const char *at, const char *end) {
  for (;;) {
    const char *quote = memchr(at, '"', (size_t)(end - at));
    if (!quote) return end;
    const char *before = quote;
    while (before > at && before[-1] == '\\') before--;
    at = quote + 1;
    if ((quote - before) % 2 == 0) return at;
  }
}

static inline const char *skip_value(const char *at, const char *end) {
  int depth = 0;
  while (at < end) {
    char byte = *at;
    if (byte == '"') {
      at = skip_string(at + 1, end);
    } else if (byte == '{' || byte == '[') {
      depth++, at++;
    } else if (byte == '}' || byte == ']') {
      if (depth == 0) return at;
      depth--, at++;
    } else if (byte == ',' && depth == 0) {
      return at;
    } else {
      at++;
      continue;
    }
    if (depth == 0) return at;
  }
  return end;
}

/* The raw text of an object's member; empty where there is none. */
static inline Span member(Span object, const char *name) {
  const char *end = object.end, *at = skip_space(object.start, end);
  size_t length = strlen(name);
  if (at == end || *at != '{') return (Span){end, end};
  for (at = skip_space(at + 1, end); at < end && *at == '"'; at = skip_space(at + 1, end)) {
    const char *key = at + 1, *key_end = skip_string(key, end) - 1;
    const char *value = skip_space(key_end + 1, end);
    value = skip_space(value < end ? value + 1 : end, end);
    const char *value_end = skip_value(value, end);
    if ((size_t)(key_end - key) == length && memcmp(key, name, length) == 0) return (Span){value, value_end};
    at = skip_space(value_end, end);
    if (at == end || *at != ',') break;
  }
  return (Span){end, end};
}

static inline int is(Span span, const char *text) {
  size_t length = strlen(text);
  return (size_t)(span.end - span.start) == length && memcmp(span.start, text, length) == 0;
}
