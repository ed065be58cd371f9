/*
 * The least that a gateway can do in any language: HTTP/1.1 to one child over its pipes, by epoll, one thread.
 *
 *   floor --port 8080 -- command arguments
 *
 * A POST's body is one line for the child; the line that comes back with the same id is the answer. Nothing is
 * checked, bounded or supervised.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

enum { MAX_EVENTS = 256, MAX_DESCRIPTORS = 65536, BUCKETS = 4096, READ_SIZE = 65536 };

typedef struct {
  /* Tells this connection from an earlier one of the same descriptor; 0 where there is none. */
  uint64_t serial;
  Buffer input;
  Buffer output;
} Connection;

/* A request that waits for its answer. */
typedef struct Open {
  struct Open *next;
  int descriptor;
  uint64_t serial;
  size_t id_length;
  char id[];
} Open;

static int poller;
static Connection connections[MAX_DESCRIPTORS];
static Open *table[BUCKETS];
static uint64_t last_serial;
static int child_input, child_output;
static Buffer to_child, from_child;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int descriptor, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  if (epoll_ctl(poller, operation, descriptor, &event) < 0) fail("epoll_ctl");
}

static void set_nonblocking(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

static size_t bucket_of(Span id) {
  size_t hash = 5381;
  for (const char *at = id.start; at < id.end; at++) hash = hash * 33 + (unsigned char)*at;
  return hash % BUCKETS;
}

static void remember(Span id, int descriptor) {
  size_t length = (size_t)(id.end - id.start);
  Open *open = malloc(sizeof *open + length);
  if (!open) exit(1);
  Open **bucket = &table[bucket_of(id)];
  *open = (Open){.next = *bucket, .descriptor = descriptor, .serial = connections[descriptor].serial, .id_length = length};
  memcpy(open->id, id.start, length);
  *bucket = open;
}

/* The connection that waits for this id, and waits no longer; NULL where there is none. */
static Connection *take(Span id, int *descriptor) {
  size_t length = (size_t)(id.end - id.start);
  for (Open **at = &table[bucket_of(id)]; *at; at = &(*at)->next) {
    Open *open = *at;
    if (open->id_length != length || memcmp(open->id, id.start, length) != 0) continue;
    Connection *connection = &connections[open->descriptor];
    if (connection->serial != open->serial) connection = NULL;
    *descriptor = open->descriptor;
    *at = open->next;
    free(open);
    return connection;
  }
  return NULL;
}

/* Writes what it can; what is left waits until there is room. */
static void flush(int descriptor, Buffer *buffer) {
  size_t sent = 0;
  while (sent < buffer->length) {
    ssize_t count = write(descriptor, buffer->bytes + sent, buffer->length - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    sent += (size_t)count;
  }
  if (sent > 0) consume(buffer, sent);
}

static void close_connection(int descriptor) {
  Connection *connection = &connections[descriptor];
  connection->serial = 0;
  connection->input.length = connection->output.length = 0;
  close(descriptor);
}

static void say(int descriptor, const char *status, Span body) {
  Buffer *output = &connections[descriptor].output;
  char head[160];
  size_t length = (size_t)(body.end - body.start);
  int head_length = snprintf(head, sizeof head,
                             "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", status, length);
  append(output, head, (size_t)head_length);
  append(output, body.start, length);
}

static size_t content_length(const char *head, const char *end) {
  static const char name[] = "\ncontent-length:";
  for (const char *at = head; at + sizeof name < end; at++) {
    if (*at == '\n' && strncasecmp(at, name, sizeof name - 1) == 0) return strtoul(at + sizeof name - 1, NULL, 10);
  }
  return 0;
}

static void pass_on(int descriptor, Span body) {
  Span id = member(body, "id");
  int is_request = id.start < id.end;
  if (is_request) remember(id, descriptor);
  append(&to_child, body.start, (size_t)(body.end - body.start));
  append(&to_child, "\n", 1);
  if (!is_request) say(descriptor, "202 Accepted", (Span){"", ""});
}

static void take_requests(int descriptor) {
  Buffer *input = &connections[descriptor].input;
  size_t used = 0;
  for (;;) {
    const char *start = input->bytes + used, *end = input->bytes + input->length;
    const char *head_end = memmem(start, (size_t)(end - start), "\r\n\r\n", 4);
    if (!head_end) break;
    const char *body = head_end + 4;
    size_t length = content_length(start, head_end + 2);
    if ((size_t)(end - body) < length) break;
    if (strncmp(start, "POST ", 5) == 0) pass_on(descriptor, (Span){body, body + length});
    else say(descriptor, "405 Method Not Allowed", (Span){"", ""});
    used = (size_t)(body + length - input->bytes);
  }
  if (used > 0) consume(input, used);
}

/* False at the end. */
static int fill(int descriptor, Buffer *buffer) {
  for (;;) {
    reserve(buffer, READ_SIZE);
    ssize_t count = read(descriptor, buffer->bytes + buffer->length, READ_SIZE);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return 0;
    buffer->length += (size_t)count;
    if (count < READ_SIZE) return 1;
  }
}

static void take_answers(void) {
  char *start = from_child.bytes, *end = from_child.bytes + from_child.length, *newline;
  while ((newline = memchr(start, '\n', (size_t)(end - start)))) {
    Span line = {start, newline}, id = member(line, "id");
    int descriptor;
    if (id.start < id.end && take(id, &descriptor)) {
      say(descriptor, "200 OK", line);
      flush(descriptor, &connections[descriptor].output);
    }
    start = newline + 1;
  }
  consume(&from_child, (size_t)(start - from_child.bytes));
}

static void take_connections(int listener) {
  int descriptor;
  while ((descriptor = accept(listener, NULL, NULL)) >= 0) {
    if (descriptor >= MAX_DESCRIPTORS) {
      close(descriptor);
      continue;
    }
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_nonblocking(descriptor);
    connections[descriptor].serial = ++last_serial;
    watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLET, EPOLL_CTL_ADD);
  }
}

static void serve_connection(int descriptor) {
  Connection *connection = &connections[descriptor];
  if (connection->serial == 0) return;
  if (!fill(descriptor, &connection->input)) return close_connection(descriptor);
  take_requests(descriptor);
  flush(descriptor, &connection->output);
}

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(listener, 4096) < 0) fail("listen");
  set_nonblocking(listener);
  return listener;
}

static void start_child(char **command) {
  int down[2], up[2];
  if (pipe(down) < 0 || pipe(up) < 0) fail("pipe");
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    dup2(down[0], STDIN_FILENO);
    dup2(up[1], STDOUT_FILENO);
    for (int index = 0; index < 2; index++) close(down[index]), close(up[index]);
    execvp(command[0], command);
    fail(command[0]);
  }
  close(down[0]);
  close(up[1]);
  child_input = down[1];
  child_output = up[0];
  set_nonblocking(child_input);
  set_nonblocking(child_output);
}

int main(int count, char **words) {
  if (count < 5 || strcmp(words[1], "--port") != 0 || strcmp(words[3], "--") != 0) {
    fprintf(stderr, "Usage: floor --port 8080 -- command arguments\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  poller = epoll_create1(0);
  start_child(words + 4);
  int listener = listen_on(atoi(words[2]));
  watch(listener, EPOLLIN, EPOLL_CTL_ADD);
  watch(child_output, EPOLLIN, EPOLL_CTL_ADD);
  watch(child_input, EPOLLOUT | EPOLLET, EPOLL_CTL_ADD);
  struct epoll_event events[MAX_EVENTS];
  for (;;) {
    int ready = epoll_wait(poller, events, MAX_EVENTS, -1);
    for (int index = 0; index < ready; index++) {
      int descriptor = events[index].data.fd;
      if (descriptor == listener) take_connections(listener);
      else if (descriptor == child_output && !fill(child_output, &from_child)) return 0;
      else if (descriptor == child_output) take_answers();
      else if (descriptor != child_input) serve_connection(descriptor);
    }
    /* All that this turn has brought, in one write. */
    if (to_child.length > 0) flush(child_input, &to_child);
  }
}
